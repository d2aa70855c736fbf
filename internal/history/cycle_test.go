package history

import (
	"math/rand/v2"
	"testing"
)

// allCycles calls f with every simple cycle of a small graph, once for each node to begin at.
func allCycles(g *graph, f func([]edge)) {
	var path []edge
	onPath := make([]bool, len(g.edges))
	var walk func(start, at int)
	walk = func(start, at int) {
		for _, e := range g.edges[at] {
			if e.to == start {
				f(append(path[:len(path):len(path)], e))
				continue
			}
			if onPath[e.to] {
				continue
			}
			onPath[e.to] = true
			path = append(path, e)
			walk(start, e.to)
			path = path[:len(path)-1]
			onPath[e.to] = false
		}
	}
	for start := range g.edges {
		onPath[start] = true
		walk(start, start)
		onPath[start] = false
	}
}

// fits reports whether a cycle, as it stands, is one of a class.
func (c class) fits(cycle []edge) bool {
	if cycle[0].kind&c.first == 0 || antis(cycle) < c.antis {
		return false
	}
	for _, e := range cycle[1:] {
		if e.kind&c.rest == 0 {
			return false
		}
	}
	return !c.apart || !adjacent(cycle)
}

// TestCyclesAgainstAll compares the search in random graphs with an enumeration of all cycles: shortest cycles are
// equally long where a class demands no number of rw edges, and the others are found unless worse ones hide them.
func TestCyclesAgainstAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	found := map[Anomaly]int{}
	for round := range 4000 {
		n := 2 + rng.IntN(5)
		g := &graph{txs: n, edges: make([][]edge, n)}
		for range rng.IntN(2*n + 1) {
			e := edge{from: rng.IntN(n), to: rng.IntN(n), kind: []edgeKind{ww, wr, rw}[rng.IntN(3)]}
			if e.from != e.to {
				g.add(e)
			}
		}
		hidden := false
		for _, c := range classes {
			shortest := 0
			allCycles(g, func(cycle []edge) {
				if c.fits(cycle) && (shortest == 0 || len(cycle) < shortest) {
					shortest = len(cycle)
				}
			})
			got := g.find(c)
			if got != nil {
				found[c.kind]++
			}
			checkCycle(t, round, c, got, shortest, hidden)
			hidden = hidden || got != nil && c.first == rw // a shorter one of a kind that is worse
		}
	}
	for _, c := range classes {
		if found[c.kind] < 10 {
			t.Errorf("%s was found %d times", c.kind, found[c.kind])
		}
	}
}

func checkCycle(t *testing.T, round int, c class, got []edge, shortest int, hidden bool) {
	t.Helper()
	for i, e := range got {
		if next := got[(i+1)%len(got)]; e.to != next.from {
			t.Fatalf("round %d, %s: no cycle: %v", round, c.kind, got)
		}
	}
	switch {
	case got != nil && !c.fits(got):
		t.Fatalf("round %d: %v is no %s", round, got, c.kind)
	case got != nil && shortest > 0 && len(got) < shortest && !c.apart:
		t.Fatalf("round %d, %s: %v is shorter than the shortest cycle (%d)", round, c.kind, got, shortest)
	case c.antis == 0 && len(got) != shortest:
		t.Fatalf("round %d, %s: found %v, the shortest cycle has %d edges", round, c.kind, got, shortest)
	case c.antis > 0 && shortest > 0 && got == nil && !hidden:
		t.Fatalf("round %d, %s: there is a cycle of %d edges", round, c.kind, shortest)
	}
}

// TestTimesAgainstPairs compares what the moments of real time lead to with all pairs of transactions.
func TestTimesAgainstPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	pairs := 0
	for range 500 {
		h := &History{}
		for range 1 + rng.IntN(8) {
			begin := 1 + rng.Int64N(20)
			h.Txs = append(h.Txs, Tx{Begin: begin, End: begin + 1 + rng.Int64N(10), Outcome: Committed})
		}
		n := len(h.Txs)
		g := &graph{txs: n, edges: make([][]edge, n)}
		same := func(tx int) int { return tx }
		g.times(h, same, same)
		for i := range n {
			reached := map[int]bool{}
			var walk func(int)
			walk = func(at int) {
				for _, e := range g.edges[at] {
					if !reached[e.to] {
						reached[e.to] = true
						walk(e.to)
					}
				}
			}
			walk(i)
			for j := range n {
				if want := h.Txs[i].End <= h.Txs[j].Begin; reached[j] != want && h.Txs[i].End != h.Txs[j].Begin {
					t.Fatalf("%d leads to %d: %t in %+v", i, j, reached[j], h.Txs)
				} else if want {
					pairs++
				}
			}
		}
	}
	if pairs < 1000 {
		t.Errorf("%d pairs", pairs)
	}
}
