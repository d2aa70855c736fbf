package opt

import (
	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Options say what the optimizer may use. The zero value works: no statistics, all rules.
type Options struct {
	// Stats returns the estimates about a table; nil: nothing is known.
	Stats func(def *table.TableDef) table.Stats
	// Expr is the context in which stable functions are evaluated for estimates; nil: they are not.
	Expr *expr.Context
	// Disabled are the names of rules that must not fire.
	Disabled map[string]bool
	// Late says which columns are fetched late.
	Late Late
	// Trace is called after each rule that changed the plan, with what the rule has put in the place of an operator.
	Trace func(rule string, r plan.Rel)
	// ShareAlways lets equal parts of a statement run once whatever that costs.
	ShareAlways bool
	// Interrupt is asked while a statement is planned whether to go on; nil: always.
	Interrupt *interrupt.Poller
}

// Optimize returns the physical plan of a statement.
func Optimize(s *bind.Statement, o Options) (*plan.Query, error) {
	z := &optimizer{
		o: o, nextID: s.NextID, params: len(s.Params), given: len(s.Params), stats: map[table.ObjectID]*table.Stats{},
		info: map[plan.Rel]*info{}, scanOf: map[int]*plan.RelScan{}, derived: map[string]bool{},
		implied: map[string][]expr.Expr{}, reads: s.Modify == nil,
	}
	q := &plan.Query{Params: s.Params, Tables: s.Tables, Ordered: s.Ordered, Sequential: s.Sequential}
	z.nameColumns(s.Root)
	var err error
	if s.Modify != nil {
		err = z.modify(q, s)
	} else {
		q.Root, err = z.plan(s.Root, s.Out)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range s.Changes {
		sub, err := Optimize(c, o)
		if err != nil {
			return nil, err
		}
		sub.Held, sub.Used = c.Held, c.Used
		q.Changes = append(q.Changes, sub)
	}
	b := builder{z: z}
	if q.Subplans, err = b.subplans(z.subplans); err != nil {
		return nil, err
	}
	if q.Shared, err = b.buildShared(); err != nil {
		return nil, err
	}
	plan.Number(q)
	return q, nil
}

// nameColumns qualifies the columns of tables for printing, if there are several.
func (z *optimizer) nameColumns(r plan.Rel) {
	names, scans := map[int]string{}, 0
	seen := map[*plan.SharedDef]bool{}
	var visit func(plan.Rel)
	visit = func(r plan.Rel) {
		if r, ok := r.(*plan.RelShared); ok && !seen[r.Def] {
			seen[r.Def] = true
			plan.Walk(r.Def.Root, visit)
		}
		s, ok := r.(*plan.RelScan)
		if !ok {
			return
		}
		scans++
		for i, c := range s.Out {
			names[c.ID] = s.Alias + "." + s.Table.Columns[s.Attrs[i]].Name
			z.scanOf[c.ID] = s
		}
	}
	plan.Walk(r, visit)
	if scans > 1 {
		z.names = names
	}
}

// optimizer is the state of optimizing one statement.
type optimizer struct {
	o        Options
	nextID   int
	params   int // parameters, subplans' results included
	given    int // those of the statement
	subplans []subplan
	// shared are the shared plans that have been met; one reads those before it.
	shared []*sharedPlan
	stats  map[table.ObjectID]*table.Stats
	// sampledConds are conditions that were counted over a sample, with samples as their answers.
	sampledConds exprSet
	samples      []sampled
	// info caches what is known about operators.
	info map[plan.Rel]*info
	// names are the qualified names of table columns, if the statement has several tables.
	names map[int]string
	// scanOf is the table scan, as bound, that a column comes from.
	scanOf map[int]*plan.RelScan
	// refOf are the columns of the positions of rows that are fetched late, by the scans as bound.
	refOf map[*plan.RelScan]int
	// reads: the statement changes nothing, so columns may be fetched late.
	reads bool
	// derived are the conditions that were derived once, see once.
	derived map[string]bool
	// implied are conditions that were derived from an OR, by its text: they take its selectivity.
	implied map[string][]expr.Expr
	depth   int
	// ordered caches the results of orderJoins.
	ordered map[plan.Rel]plan.Rel
	// volatileRels caches which operators are volatile.
	volatileRels map[plan.Rel]bool
}

// volatile is plan.IsVolatile.
func (z *optimizer) volatile(r plan.Rel) bool {
	if v, ok := z.volatileRels[r]; ok {
		return v
	}
	v := plan.IsVolatileItself(r)
	for _, c := range r.Children() {
		v = v || z.volatile(c)
	}
	if z.volatileRels == nil {
		z.volatileRels = map[plan.Rel]bool{}
	}
	z.volatileRels[r] = v
	return v
}

// planDepthMax bounds nested subplans.
const planDepthMax = 200

// plan optimizes the statement's query and returns operators that yield the given columns.
func (z *optimizer) plan(r plan.Rel, out []plan.Col) (plan.Node, error) {
	r, err := z.logical(inlined(r), out)
	if err != nil {
		return nil, err
	}
	r = z.sharePlans(r)
	if z.reads {
		r = z.fetchLate(r)
	}
	b := builder{z: z}
	n, err := b.output(r, out)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// logical optimizes a query block as a logical plan, pruned to the given columns.
func (z *optimizer) logical(r plan.Rel, out []plan.Col) (plan.Rel, error) {
	z.depth++
	defer func() { z.depth-- }()
	if z.depth > planDepthMax {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded")
	}
	r, err := z.unnest(r)
	if err != nil {
		return nil, err
	}
	r = z.applyRules(r)
	r = z.prune(r, colsOf(out))
	r = z.applyRules(r)
	if !z.o.Disabled[RuleOrderJoins] {
		r = z.joinsOrdered(r)
	}
	r = z.prune(r, colsOf(out))
	return r, z.interrupted()
}

// interrupted returns an error once planning is not to go on. Steps that return no errors do as little as they can
// from then on; those that do return it.
func (z *optimizer) interrupted() error { return z.o.Interrupt.Now() }

// newCol makes a column.
func (z *optimizer) newCol(name string, t types.Type) plan.Col {
	z.nextID++
	return plan.Col{ID: z.nextID - 1, Name: name, Type: t}
}

// newParam makes a parameter for the result of a subplan.
func (z *optimizer) newParam(t types.Type, pos int) *expr.Param {
	z.params++
	return &expr.Param{Node: expr.Node{Typ: t, At: pos}, N: z.params}
}
