package bind

import (
	"slices"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Options are what a session contributes to the meaning of its statements.
type Options struct {
	// SearchPath are the schemas that unqualified names are looked up in; nil: public. pg_catalog
	// is always searched first.
	SearchPath []string
	// System finds a relation of pg_catalog, information_schema or lamina; nil: there are none.
	System func(schema, name string) (*SystemTable, error)
	// SequenceValue tells where a sequence stands; nil: 0A000.
	SequenceValue func(table.ObjectID) (table.SequenceValue, error)
	// Temp is the schema of the session's temporary relations, which pg_temp stands for; "" if it has none.
	// Unless the path names it, it is looked into first.
	Temp string
	// DefaultMethod is the access method of tables created without USING; "" is the storage's default.
	DefaultMethod string
	// Interrupt is asked while a statement is bound whether to go on; nil: always.
	Interrupt *interrupt.Poller
}

// SystemTable is a relation whose rows are made from the catalog when a statement is bound.
type SystemTable struct {
	Columns []table.Column
	Rows    []types.Row
}

// Binder binds statements against the schema of one transaction.
type Binder struct {
	schema table.Schema
	opts   Options
	named  []*table.TableDef
}

// Named returns the tables that the last statement names, as far as it was bound before it failed.
func (b *Binder) Named() []*table.TableDef { return b.named }

// New returns a Binder.
func New(schema table.Schema, o Options) *Binder {
	if o.SearchPath == nil {
		o.SearchPath = []string{"public"}
	}
	return &Binder{schema: schema, opts: o}
}

// Statement is a bound query or data change.
type Statement struct {
	Root plan.Rel
	// Out are the result columns, by their IDs in Root; a column may occur twice. For a data change
	// they are Root's columns that Modify uses.
	Out []plan.Col
	// Ordered: the rows have a defined order.
	Ordered bool
	// Sequential: it takes values of sequences, so that rows must be computed one after the other.
	Sequential bool
	// Params are the types of the parameters $1 ….
	Params []types.Type
	// Tables are the tables and views that the statement reads or writes.
	Tables []*table.TableDef
	// NextID is above every column ID in use.
	NextID int
	Modify *Modify
	// Changes are the data changes in WITH, in order. Held numbers one of them, by which RelHeld names its rows, and
	// Used says that one does.
	Changes []*Statement
	Held    int
	Used    bool
	// System: rows of system relations are in it, as they were when it was bound.
	System bool
}

// Modify is what a data change does with the rows of Statement.Root.
type Modify struct {
	Kind  plan.ModifyKind
	Table *table.TableDef
	// Values are, for INSERT, the columns of Root that hold the new row, one for each table column.
	Values     []plan.Col
	OnConflict *table.OnConflict
	// Upsert is the update of DO UPDATE; nil: none.
	Upsert *Upsert
	// Scan is the target of UPDATE and DELETE; its Ref holds the row references.
	Scan *plan.RelScan
	// SetCols are the table columns that UPDATE assigns, Set the new values over Root's columns.
	SetCols []int
	Set     []expr.Expr
	// Where is the condition on Root's columns to evaluate again after a lock wait; nil: none.
	Where expr.Expr
	// Returning are expressions over NewRow (the columns of the row as written; for DELETE the old
	// row) and Root's columns.
	NewRow    []plan.Col
	Returning []expr.Expr
	Out       []plan.Col // of Returning
	Merge     *Merge     // of MERGE
}

// Upsert is what ON CONFLICT DO UPDATE does with a row that is there already. SetCols and Set are as those of
// Modify, over Old, the row that is there, and Excluded, the one that is not inserted.
type Upsert struct {
	Old, Excluded []plan.Col
	SetCols       []int
	Set           []expr.Expr
	Where         expr.Expr // nil: always
}

// Statement binds a query, INSERT, UPDATE or DELETE. paramTypes are the types that the client gave for
// the first parameters; Unknown (or absent) ones are inferred.
func (b *Binder) Statement(s ast.Statement, paramTypes []types.Type) (*Statement, error) {
	return b.Stmt(s.Body, paramTypes)
}

// Stmt is Statement for the body of a statement, such as that of EXPLAIN or PREPARE.
func (b *Binder) Stmt(s ast.Stmt, paramTypes []types.Type) (*Statement, error) {
	g := newBinding(b, paramTypes)
	var out *Statement
	var err error
	switch s := s.(type) {
	case *ast.Query:
		g.topWith = s.With
		if out, err = g.queryStatement(s); err == nil && len(g.changes) > 0 && len(s.Locks) > 0 {
			err = sqlerr.Unsupported("FOR UPDATE with data changes in WITH")
		}
	case *ast.Insert, *ast.Update, *ast.Delete, *ast.Merge:
		g.topWith = withOf(s)
		out, err = g.changeStatement(s, nil)
	default:
		return nil, sqlerr.Unsupported("this statement here")
	}
	b.named = g.tables
	if err != nil {
		return nil, err
	}
	if out.Params, err = g.paramTypes(); err != nil {
		return nil, err
	}
	out.Changes = g.changes
	for _, st := range append([]*Statement{out}, g.changes...) {
		st.Tables, st.NextID, st.System, st.Params = g.tables, g.nextID, g.systemUsed, out.Params
		st.Sequential = g.sequential
	}
	if err := g.checkShared(); err != nil {
		return nil, err
	}
	return out, g.checkChanges(out)
}

// binding is the state of binding one statement.
type binding struct {
	*Binder
	nextID int
	params []*expr.Param
	tables []*table.TableDef
	// owner is the scope whose FROM produces a column.
	owner map[int]*scope
	// names are the qualified names of columns of FROM, for messages.
	names map[int]string
	// keys are the scans of base tables by the IDs of their columns, to find primary keys.
	scans map[int]*plan.RelScan
	// depth bounds nested queries and views, bound the number of queries bound for WITH.
	depth, ctes int
	// subqueries counts the expressions' subqueries around what is bound.
	subqueries int
	// uses are the relations that the statement names, views the nesting of views at hand.
	uses  []table.ObjectID
	views int
	// systemUsed: the statement reads a system relation.
	systemUsed bool
	// stars are what the stars of the statement stand for, by position; nil: nobody asks.
	stars map[int]starText
	// topWith is WITH of the statement itself, where data changes may stand; changes are those.
	topWith []ast.CTE
	changes []*Statement
	// volatileShared are the volatile queries of WITH that run once.
	volatileShared []*plan.SharedDef
	// sequential: a function of sequences was met.
	sequential bool
}

// Limits of a statement.
const (
	queryDepthMax = 200
	cteUsesMax    = 1000
	paramsMax     = 65535
	columnsMax    = 1664 // of a select list, as in PostgreSQL
)

func newBinding(b *Binder, paramTypes []types.Type) *binding {
	g := &binding{
		Binder: b, nextID: 1, owner: map[int]*scope{}, names: map[int]string{}, scans: map[int]*plan.RelScan{},
	}
	for i, t := range paramTypes {
		g.params = append(g.params, &expr.Param{Node: expr.Node{Typ: t}, N: i + 1})
	}
	return g
}

// newCol makes a computed column.
func (g *binding) newCol(name string, t types.Type) plan.Col {
	g.nextID++
	return plan.Col{ID: g.nextID - 1, Name: name, Type: t}
}

// param returns the parameter $n. Its uses share one object, so that the first context that gives it a
// type gives it to all.
func (g *binding) param(n, pos int) (expr.Expr, error) {
	if n < 1 || n > paramsMax {
		return nil, sqlerr.Newf(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
	}
	for len(g.params) < n {
		g.params = append(g.params, &expr.Param{Node: expr.Node{Typ: types.T(types.Unknown)}, N: len(g.params) + 1})
	}
	p := g.params[n-1]
	if p.At == 0 {
		p.At = pos
	}
	return p, nil
}

func (g *binding) paramTypes() ([]types.Type, error) {
	out := make([]types.Type, len(g.params))
	for i, p := range g.params {
		if p.Typ.Kind == types.Unknown {
			return nil, sqlerr.Newf(sqlerr.IndeterminateDatatype,
				"could not determine data type of parameter $%d", p.N).At(p.At)
		}
		out[i] = p.Typ
	}
	return out, nil
}

func (g *binding) addTable(t *table.TableDef) {
	if !slices.ContainsFunc(g.tables, func(o *table.TableDef) bool { return o.ID == t.ID }) {
		g.tables = append(g.tables, t)
	}
}

// enter counts a nested query.
func (g *binding) enter() error {
	g.depth++
	if g.depth > queryDepthMax {
		return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("Queries may nest at most %d levels deep.", queryDepthMax)
	}
	return nil
}

func (g *binding) leave() { g.depth-- }

// queryStatement binds a query as a statement.
func (g *binding) queryStatement(q *ast.Query) (*Statement, error) {
	r, err := g.query(q, nil, nil, resolveUnknown)
	if err != nil {
		return nil, err
	}
	return &Statement{Root: r.rel, Out: r.out, Ordered: r.ordered}, nil
}
