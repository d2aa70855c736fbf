package expr

import (
	"github.com/laminadb/lamina/types"
)

// Program is a list of expressions compiled for batches whose columns have given types. It is immutable
// and shared by workers.
type Program struct {
	exprs []Expr
	input []types.Type

	regTypes []types.Type
	consts   []constant
	blocks   []*block
	root     *block
	roots    []*block // root and the blocks of conditions
	results  []int    // register of each expression
	needs    [][]int  // instructions of root that each expression needs, in order
	conds    []*cond  // conditions of the boolean expressions; nil for others
}

// Compile prepares expressions over an input.
func Compile(exprs []Expr, input []types.Type) (*Program, error) {
	p := &Program{exprs: exprs, input: input}
	b := &irBuilder{p: p, known: make(map[string]int)}
	p.root = b.open().blk
	p.roots = append(p.roots, p.root)
	for _, e := range exprs {
		r, err := b.build(e)
		if err != nil {
			return nil, err
		}
		p.results = append(p.results, r)
	}
	p.findNeeds()
	for _, e := range exprs {
		var c *cond
		if e.Type().Kind == types.Bool {
			var err error
			if c, err = b.buildCond(e); err != nil {
				return nil, err
			}
		}
		p.conds = append(p.conds, c)
	}
	return p, nil
}

// findNeeds lists for each expression the instructions of the root block that it depends on.
func (p *Program) findNeeds() {
	maker := make(map[int]int) // register → index in root.code
	for i := range p.root.code {
		maker[p.root.code[i].reg] = i
	}
	for _, r := range p.results {
		needed := make([]bool, len(p.root.code))
		if i, ok := maker[r]; ok {
			needed[i] = true
		}
		for i := len(p.root.code) - 1; i >= 0; i-- {
			if needed[i] {
				forInputs(&p.root.code[i], func(r int) {
					if j, ok := maker[r]; ok {
						needed[j] = true
					}
				})
			}
		}
		var list []int
		for i, n := range needed {
			if n {
				list = append(list, i)
			}
		}
		p.needs = append(p.needs, list)
	}
}

// forInputs calls fn for every register of the instruction's own block that it reads, also from blocks
// inside it.
func forInputs(in *instr, fn func(r int)) {
	for _, r := range in.args {
		fn(r)
	}
	for i := range in.arms {
		for _, o := range []operand{in.arms[i].cond, in.arms[i].value} {
			switch {
			case o.none():
			case o.blk == nil:
				fn(o.reg)
			default:
				for j := range o.blk.code {
					if inner := &o.blk.code[j]; inner.op == opOuter {
						fn(inner.n)
					}
				}
			}
		}
	}
}
