package history

// class is a kind of cycle: it has an edge of a kind in first, and otherwise only edges in rest.
type class struct {
	kind        Anomaly
	first, rest edgeKind
	// antis is the least number of rw edges of a shortest cycle that counts.
	antis int
	// apart says that no two rw edges may follow each other.
	apart bool
}

var classes = []class{
	{kind: G0, first: ww, rest: ww},
	{kind: G1c, first: wr, rest: ww | wr},
	{kind: GSingle, first: rw, rest: ww | wr},
	{kind: GNonadjacent, first: rw, rest: ww | wr | rw, antis: 2, apart: true},
	{kind: G2Item, first: rw, rest: ww | wr | rw, antis: 2},
}

// cycles looks for each class of cycle without the order of processes and real time, then with it.
func (a *analysis) cycles() {
	g := a.dependencies()
	for _, c := range classes {
		if cycle := g.find(c); cycle != nil {
			a.reportCycle(c.kind, cycle)
			continue
		}
		for _, order := range []struct {
			kind   edgeKind
			suffix Anomaly
		}{{process, "-process"}, {process | realtime, "-realtime"}} {
			with := c
			with.rest |= order.kind
			if cycle := g.find(with); cycle != nil {
				a.reportCycle(c.kind+order.suffix, cycle)
				break
			}
		}
	}
}

// find returns the shortest cycle of a class, nil if there is none.
func (g *graph) find(c class) (best []edge) {
	all := c.first | c.rest
	part := g.components(all)
	s := newSearch(g)
	for from := range g.edges {
		for _, e := range g.edges[from] {
			if e.kind&c.first == 0 || part[e.to] != part[from] {
				continue
			}
			path := s.path(e, c, part, len(best))
			if path != nil && (best == nil || len(path) < len(best)) && antis(path) >= c.antis && (c.kind != G2Item || adjacent(path)) {
				if best = path; len(best) == 2 {
					return best
				}
			}
		}
	}
	return best
}

func antis(cycle []edge) (n int) {
	for _, e := range cycle {
		if e.kind == rw {
			n++
		}
	}
	return n
}

// adjacent reports whether two rw edges of a cycle follow each other.
func adjacent(cycle []edge) bool {
	for i, e := range cycle {
		if e.kind == rw && cycle[(i+1)%len(cycle)].kind == rw {
			return true
		}
	}
	return false
}

// search is memory for searches of paths. Nodes have two states: whether the last edge was an rw one, where the
// class asks for that.
type search struct {
	g     *graph
	round int
	seen  []int // round in which a state was reached
	cost  []int
	by    []edge // the last edge to it
	prev  []int  // and the state before
	done  []int
	deque [2][]int // states at this distance and at the next one
}

func newSearch(g *graph) *search {
	n := 2 * len(g.edges)
	return &search{g: g, seen: make([]int, n), cost: make([]int, n), by: make([]edge, n), prev: make([]int, n), done: make([]int, n)}
}

// path returns the shortest cycle that begins with first, or nil; less than limit edges long, if limit is not 0.
// Steps between moments of real time cost nothing.
func (s *search) path(first edge, c class, part []int, limit int) []edge {
	s.round++
	start := 2 * first.to
	if c.apart {
		start++ // the last edge was rw
	}
	s.reach(start, -1, first, 1)
	near, far := append(s.deque[0][:0], start), s.deque[1][:0]
	for cost := 1; len(near) > 0 && (limit == 0 || cost < limit); cost++ {
		for i := 0; i < len(near); i++ {
			state := near[i]
			if s.done[state] == s.round || s.cost[state] != cost {
				continue
			}
			s.done[state] = s.round
			node, anti := state/2, state%2 == 1
			if node == first.from && !(c.apart && anti) {
				s.deque[0], s.deque[1] = near, far
				return s.cycle(state)
			}
			for _, e := range s.g.edges[node] {
				if e.kind&c.rest == 0 || part[e.to] != part[node] || c.apart && anti && e.kind == rw {
					continue
				}
				next, step := 2*e.to, 1
				if c.apart && e.kind == rw {
					next++
				}
				if e.to >= s.g.txs {
					step = 0 // it is counted where real time leads back to a transaction
				}
				if s.reach(next, state, e, cost+step) {
					if step == 0 {
						near = append(near, next)
					} else {
						far = append(far, next)
					}
				}
			}
		}
		near, far = far, near[:0]
	}
	s.deque[0], s.deque[1] = near, far
	return nil
}

// reach notes a way to a state, and reports whether it is shorter than those before.
func (s *search) reach(state, from int, e edge, cost int) bool {
	if s.seen[state] == s.round && s.cost[state] <= cost {
		return false
	}
	s.seen[state], s.cost[state], s.by[state], s.prev[state] = s.round, cost, e, from
	return true
}

// cycle returns the edges that led to a state, with steps through moments of real time made one.
func (s *search) cycle(state int) (cycle []edge) {
	var path []edge
	for ; state >= 0; state = s.prev[state] {
		path = append(path, s.by[state])
	}
	for i := len(path) - 1; i >= 0; i-- {
		e := path[i]
		for e.to >= s.g.txs {
			i--
			e.to = path[i].to
		}
		cycle = append(cycle, e)
	}
	return cycle
}

// components numbers the strongly connected components under edges of some kinds (Tarjan 1972, without recursion).
func (g *graph) components(kinds edgeKind) []int {
	n := len(g.edges)
	index, low, part := make([]int, n), make([]int, n), make([]int, n)
	var stack []int
	type frame struct{ node, next int }
	count, parts := 0, 0
	for root := range n {
		if index[root] != 0 {
			continue
		}
		calls := []frame{{root, 0}}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 {
				count++
				index[v], low[v] = count, count
				stack = append(stack, v)
			}
			if f.next < len(g.edges[v]) {
				e := g.edges[v][f.next]
				f.next++
				switch {
				case e.kind&kinds == 0:
				case index[e.to] == 0:
					calls = append(calls, frame{e.to, 0})
				case part[e.to] == 0:
					low[v] = min(low[v], index[e.to])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].node
				low[up] = min(low[up], low[v])
			}
			if low[v] == index[v] {
				parts++
				for part[v] == 0 {
					part[stack[len(stack)-1]] = parts
					stack = stack[:len(stack)-1]
				}
			}
		}
	}
	return part
}
