package history

// Outcome is what the client that asked for the end of a transaction was told.
type Outcome uint8

// The outcomes.
const (
	Unknown   Outcome = iota // it may have been committed
	Committed                // it was
	Aborted                  // it has changed nothing
)

var outcomeNames = []string{"unknown", "committed", "aborted"}

// String returns the outcome's name.
func (o Outcome) String() string { return outcomeNames[o] }

// Op is an operation that was answered, or an append of which the answer is not known.
type Op struct {
	List string
	// Append says that Value was appended; otherwise the list was read and had Values.
	Append bool
	Value  int64
	Values []int64
}

// Append is the operation that appends a value.
func Append(list string, value int64) Op { return Op{List: list, Append: true, Value: value} }

// Read is the operation that has read a list.
func Read(list string, values ...int64) Op { return Op{List: list, Values: values} }

// Tx is a transaction as its client saw it.
type Tx struct {
	Process int
	// Begin and End are moments of one clock, before the transaction was asked for and after its end was
	// answered. End is 0 if that never happened.
	Begin, End int64
	Outcome    Outcome
	Ops        []Op
}

// History is what was seen of a database. Transactions are in any order; those of one process do not overlap.
type History struct{ Txs []Tx }
