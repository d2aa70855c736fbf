package plan

// ID returns the number that Number gave an operator.
func ID(n Node) int { return n.(numbered).id() }

// Number gives the operators of a plan their IDs, in print order from 1: subplans after the main plan, shared plans
// after them.
func Number(q *Query) {
	n := 0
	var walk func(Node)
	walk = func(r Node) {
		n++
		r.(numbered).setID(n)
		for _, c := range r.Inputs() {
			walk(c)
		}
		if a, ok := r.(*Apply); ok {
			for _, s := range a.Subplans {
				walk(s.Root)
			}
		}
	}
	walk(q.Root)
	for _, s := range q.Subplans {
		walk(s.Root)
	}
	for _, s := range q.Shared {
		walk(s.Root)
		for _, p := range s.Subplans {
			walk(p.Root)
		}
	}
}

type numbered interface {
	setID(int)
	id() int
}

func (p *Props) setID(id int) { p.ID = id }

func (p *Props) id() int { return p.ID }
