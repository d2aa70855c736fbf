package ast

import "math"

// TxKind is the kind of a transaction statement.
type TxKind uint8

// The transaction statements.
const (
	Begin TxKind = iota // BEGIN, START TRANSACTION
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
)

// Transaction is BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their kin.
type Transaction struct {
	Kind  TxKind
	Start bool // written START TRANSACTION
	Modes TxModes
	Name  string // of the savepoint
	Chain bool
}

// TxModes are transaction modes; nil: not given.
type TxModes struct {
	Isolation  *string // "read committed" …
	ReadOnly   *bool
	Deferrable *bool
}

// SetScope says how long a setting holds.
type SetScope uint8

// The scopes.
const (
	SessionScope SetScope = iota
	LocalScope
)

// Set is SET name = values; no values: SET … TO DEFAULT.
type Set struct {
	At
	Name    string // lower case
	Scope   SetScope
	Values  []Literal
	Default bool
}

// SetTransaction is SET TRANSACTION, or SET SESSION CHARACTERISTICS AS TRANSACTION.
type SetTransaction struct {
	Session bool
	Modes   TxModes
}

// Show is SHOW name.
type Show struct{ Name string }

// Reset is RESET name, or RESET ALL if Name is empty.
type Reset struct{ Name string }

// AlterDatabase is ALTER DATABASE name SET … (Change is a *Set) or RESET … (a *Reset): what new sessions start with.
type AlterDatabase struct {
	Name   string
	Change Stmt
}

// Explain is EXPLAIN.
type Explain struct {
	Options []Option
	Query   Stmt
}

// Prepare is PREPARE.
type Prepare struct {
	Name  string
	Types []TypeName
	Query Stmt
	// Text is the source of Query; Offset is the number of characters before it.
	Text   string
	Offset int
}

// Execute is EXECUTE.
type Execute struct {
	Name string
	Args []Expr
}

// Deallocate is DEALLOCATE; an empty name means ALL.
type Deallocate struct{ Name string }

// DeclareCursor is DECLARE … CURSOR.
type DeclareCursor struct {
	Name                                        string
	Binary, Scroll, NoScroll, Hold, Insensitive bool
	Query                                       *Query
}

// FetchDirection is where FETCH and MOVE go.
type FetchDirection uint8

// The directions.
const (
	FetchForward FetchDirection = iota
	FetchBackward
	FetchAbsolute
	FetchRelative
)

// FetchAll is the count of FETCH ALL.
const FetchAll = int64(math.MaxInt64)

// Fetch is FETCH or MOVE.
type Fetch struct {
	Name      string
	Direction FetchDirection
	Count     int64
	Move      bool
}

// CloseCursor is CLOSE; an empty name means ALL.
type CloseCursor struct{ Name string }

// Checkpoint is CHECKPOINT.
type Checkpoint struct{}

// Vacuum is VACUUM or ANALYZE.
type Vacuum struct {
	Analyze bool // written ANALYZE
	Options []Option
	Tables  []VacuumTable // empty: all
}

// VacuumTable is a table of VACUUM or ANALYZE.
type VacuumTable struct {
	Table   *TableRef
	Columns []string
}

// SetConstraints is SET CONSTRAINTS.
type SetConstraints struct {
	Names    []RelName // none: ALL
	Deferred bool
}

// LockTable is LOCK TABLE.
type LockTable struct {
	Tables []*TableRef
	Mode   int // 1 ACCESS SHARE … 8 ACCESS EXCLUSIVE
	NoWait bool
}

// DiscardKind is what DISCARD drops.
type DiscardKind uint8

// The kinds of DISCARD.
const (
	DiscardAll DiscardKind = iota
	DiscardPlans
	DiscardSequences
	DiscardTemp
)

// Discard is DISCARD.
type Discard struct{ Kind DiscardKind }

// Listen is LISTEN.
type Listen struct{ Channel string }

// Unlisten is UNLISTEN; an empty channel means all.
type Unlisten struct{ Channel string }

// Notify is NOTIFY.
type Notify struct{ Channel, Payload string }

func (*Transaction) stmt()    {}
func (*Set) stmt()            {}
func (*SetTransaction) stmt() {}
func (*Show) stmt()           {}
func (*Reset) stmt()          {}
func (*AlterDatabase) stmt()  {}
func (*Explain) stmt()        {}
func (*Prepare) stmt()        {}
func (*Execute) stmt()        {}
func (*Deallocate) stmt()     {}
func (*DeclareCursor) stmt()  {}
func (*Fetch) stmt()          {}
func (*CloseCursor) stmt()    {}
func (*Checkpoint) stmt()     {}
func (*Vacuum) stmt()         {}
func (*LockTable) stmt()      {}
func (*SetConstraints) stmt() {}
func (*Discard) stmt()        {}
func (*Listen) stmt()         {}
func (*Unlisten) stmt()       {}
func (*Notify) stmt()         {}
