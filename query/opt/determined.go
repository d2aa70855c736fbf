package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// dependencies are what determines what in the rows of a relation: the primary keys of its tables their other
// columns, and equal columns each other.
type dependencies struct {
	scans []*plan.RelScan // as bound: with all columns
	equal [][2]int
	// refOf are the positions of the rows of scans, which their columns are no more than.
	refOf map[*plan.RelScan]int
}

// determined marks the grouping keys that are columns and functions of the other keys, which remain. Strings go
// before numbers: those that remain are compared.
func (z *optimizer) determined(r *plan.RelAggregate) []bool {
	if z.o.Disabled[RuleDeterminedKeys] || len(r.Keys) < 2 {
		return nil
	}
	d := z.dependenciesOfKeys(r)
	var out []bool
	for _, integers := range []bool{false, true} {
		for i := len(r.Keys) - 1; i >= 0; i-- {
			c, ok := column(r.Keys[i])
			if !ok || (c.Type().Class() == types.ClassInt) != integers {
				continue
			}
			var rest colSet
			for j, k := range r.Keys {
				if x, ok := column(k); ok && j != i && (out == nil || !out[j]) {
					rest.add(x.ID)
				}
			}
			if rest.has(c.ID) || !d.closure(rest).has(c.ID) {
				continue
			}
			if out == nil {
				out = make([]bool, len(r.Keys))
				z.fired(RuleDeterminedKeys, r)
			}
			out[i] = true
		}
	}
	return out
}

// dependenciesOfKeys returns those of the rows that are grouped.
func (z *optimizer) dependenciesOfKeys(r *plan.RelAggregate) *dependencies {
	d := &dependencies{refOf: z.refOf}
	for _, k := range r.Keys {
		if c, ok := column(k); ok {
			d.addScan(z.scanOf[c.ID])
		}
	}
	z.dependenciesOf(r.Input, d)
	return d
}

func (d *dependencies) addScan(s *plan.RelScan) {
	for _, x := range d.scans {
		if x == s {
			return
		}
	}
	if s != nil && len(s.Table.PrimaryKey()) > 0 {
		d.scans = append(d.scans, s)
	}
}

// dependenciesOf adds those of the rows of r, each of which comes from one row of each table below.
// Where an outer join puts NULLs for a row, it does so for both sides of every dependency.
func (z *optimizer) dependenciesOf(r plan.Rel, d *dependencies) {
	switch r := r.(type) {
	case *plan.RelScan:
		for _, c := range r.Out {
			d.addScan(z.scanOf[c.ID])
		}
	case *plan.RelFilter:
		d.addEqualities(r.Cond)
		z.dependenciesOf(r.Input, d)
	case *plan.RelProject:
		z.dependenciesOf(r.Input, d)
	case *plan.RelJoin:
		switch r.Kind {
		case plan.Inner:
			d.addEqualities(r.Cond)
			z.dependenciesOf(r.R, d)
		case plan.Left, plan.Right, plan.Full, plan.Single:
			z.dependenciesOf(r.R, d)
		}
		z.dependenciesOf(r.L, d)
	}
}

// addEqualities adds the columns that a condition says are identical.
func (d *dependencies) addEqualities(cond expr.Expr) {
	for _, c := range conjuncts(cond) {
		l, r, ok := equality(c)
		if !ok {
			continue
		}
		a, okA := column(l)
		b, okB := column(r)
		if okA && okB && a.Type().Kind == b.Type().Kind && a.Type().Kind.ImageEqual() {
			d.equal = append(d.equal, [2]int{a.ID, b.ID})
		}
	}
}

// closure returns the columns that are functions of those of s, and s.
func (d *dependencies) closure(s colSet) colSet {
	var out colSet
	out.addAll(s)
	for before := -1; before != out.len(); {
		before = out.len()
		for _, scan := range d.scans {
			known := true
			for _, attr := range scan.Table.PrimaryKey() {
				known = known && (out.has(scan.Out[attr].ID) || invariants.Mutant("opt-determined-without-key"))
			}
			if known {
				out.addAll(colsOf(scan.Out))
				if ref, ok := d.refOf[scan]; ok {
					out.add(ref)
				}
			}
		}
		for _, e := range d.equal {
			for i := range e {
				if out.has(e[i]) {
					out.add(e[1-i])
				}
			}
		}
	}
	return out
}
