package ast

// Persistence is how long a table and its rows live.
type Persistence uint8

// The persistences.
const (
	Permanent Persistence = iota
	Unlogged
	Temporary
)

// CreateTable is CREATE TABLE.
type CreateTable struct {
	Name        RelName
	Persistence Persistence
	IfNotExists bool
	Columns     []ColumnDef
	Constraints []Constraint // of the table
	Method      string       // USING method
	Options     []Option     // WITH (…)
}

// ColumnDef defines a column.
type ColumnDef struct {
	At
	Name        string
	Type        TypeName
	Collation   string
	Compression string // as it is written; "" if it is not
	Constraints []Constraint
}

// ConstraintKind is the kind of a constraint.
type ConstraintKind uint8

// The kinds of constraints; DEFAULT counts as one, as in the grammar.
const (
	NotNull ConstraintKind = iota
	AllowNull
	DefaultValue
	Check
	PrimaryKey
	Unique
	Identity
	Generated
	ForeignKey
)

// Constraint is a constraint of a column or table.
type Constraint struct {
	At
	Kind    ConstraintKind
	Name    string // "" if not given
	Columns []InsertColumn
	// Expr and its source Text, of Check, DefaultValue and Generated.
	Expr Expr
	Text string
	// Always: GENERATED ALWAYS, not BY DEFAULT. Stored: not VIRTUAL. Options are those of Identity's sequence.
	Always, Stored bool
	Options        []Option
	Reference      *Reference // of ForeignKey
}

// RefAction is what ON UPDATE or ON DELETE says.
type RefAction uint8

// The actions.
const (
	RefNoAction RefAction = iota
	RefRestrict
	RefCascade
	RefSetNull
	RefSetDefault
)

// Reference is what a FOREIGN KEY constraint references.
type Reference struct {
	Table              RelName
	Columns            []InsertColumn // none: the primary key
	Full               bool           // MATCH FULL
	OnUpdate, OnDelete RefAction
	SetColumns         []InsertColumn // of ON DELETE SET …
	Deferrable         bool
	Deferred           bool // INITIALLY DEFERRED
	NotValid           bool
}

// CreateTableAs is CREATE TABLE … AS query, or SELECT … INTO.
type CreateTableAs struct {
	Name        RelName
	Persistence Persistence
	IfNotExists bool
	Columns     []string
	Method      string
	Options     []Option
	Query       Stmt // *Query or *Execute
	NoData      bool
}

// ObjectKind is what DROP, ALTER and RENAME name.
type ObjectKind uint8

// The kinds of objects.
const (
	TableObject ObjectKind = iota
	ViewObject
	IndexObject
	SchemaObject
	SequenceObject
	MaterializedViewObject
)

// String returns the words that name the kind in SQL.
func (k ObjectKind) String() string {
	return [...]string{"TABLE", "VIEW", "INDEX", "SCHEMA", "SEQUENCE", "MATERIALIZED VIEW"}[k]
}

// Drop is DROP.
type Drop struct {
	Kind     ObjectKind
	Names    []RelName
	IfExists bool
	Cascade  bool
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	At
	Name        string
	IfNotExists bool
}

// CreateSequence is CREATE SEQUENCE.
type CreateSequence struct {
	Name        RelName
	Persistence Persistence
	IfNotExists bool
	Options     []Option
}

// AlterSequence is ALTER SEQUENCE, but renaming.
type AlterSequence struct {
	Name     RelName
	IfExists bool
	Options  []Option
}

// CreateView is CREATE VIEW.
type CreateView struct {
	Name        RelName
	Persistence Persistence
	Columns     []string
	Query       *Query
	Text        string // source of the query
	Replace     bool
	Options     []Option
}

// CreateIndex is CREATE INDEX on columns.
type CreateIndex struct {
	Name        string
	Table       RelName
	Method      string
	Unique      bool
	IfNotExists bool
	Columns     []SortItem // each Expr is a ColumnRef
	Options     []Option
}

// AlterTable is ALTER TABLE, and renaming of tables, views and their columns.
type AlterTable struct {
	Kind     ObjectKind
	Name     RelName
	IfExists bool
	Commands []AlterCommand
}

// AlterKind is what an AlterCommand does.
type AlterKind uint8

// The alterations.
const (
	AddColumn AlterKind = iota
	DropColumn
	RenameColumn
	RenameTable
	SetDefault // Text; empty: DROP DEFAULT
	DropDefault
	SetNotNull
	DropNotNull
	AlterType
	AddConstraint
	DropConstraint
	RenameConstraint
	SetOptions
	ResetOptions
	SetMethod // NewName; empty: DEFAULT
	SetCompression
	SetSchema
	AddIdentity  // Constraint
	SetIdentity  // Options
	DropIdentity // IfExists
	DropExpression
	ValidateConstraint
)

// AlterCommand is one command of ALTER TABLE.
type AlterCommand struct {
	At
	Kind       AlterKind
	Name       string // column or constraint
	NewName    string // Rename…, SetSchema, SetMethod, SetCompression
	Column     *ColumnDef
	Constraint *Constraint
	Type       TypeName
	Using      Expr // ALTER TYPE … USING
	Text       string
	Expr       Expr
	Options    []Option
	IfExists   bool // or IF NOT EXISTS, for AddColumn
	Cascade    bool
}

func (*CreateTable) stmt()    {}
func (*CreateTableAs) stmt()  {}
func (*Drop) stmt()           {}
func (*CreateSchema) stmt()   {}
func (*CreateView) stmt()     {}
func (*CreateIndex) stmt()    {}
func (*AlterTable) stmt()     {}
func (*CreateSequence) stmt() {}
func (*AlterSequence) stmt()  {}
