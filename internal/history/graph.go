package history

import (
	"cmp"
	"fmt"
	"slices"
)

// edgeKind is a set of kinds of dependency.
type edgeKind uint8

const (
	ww edgeKind = 1 << iota
	wr
	rw
	process
	realtime
)

func (k edgeKind) String() string {
	return map[edgeKind]string{ww: "ww", wr: "wr", rw: "rw", process: "process", realtime: "real time"}[k]
}

// edge says that one transaction must come before another one. Values are those of the list that say so.
type edge struct {
	from, to int
	kind     edgeKind
	list     *list
	at       int // of the value in the list's order; rw: of the first that was not there
}

// graph has a node for each transaction, and after them nodes for moments of real time: a transaction that ends leads
// to the next moment, moments lead to the next one, and to transactions that begin after them. That is far fewer edges
// than pairs of transactions.
type graph struct {
	txs   int
	edges [][]edge // by from
}

// times adds the moments of real time. A transaction begins at one node and ends at another one, or the same.
func (g *graph) times(h *History, begin, end func(tx int) int) {
	type event struct {
		at   int64
		tx   int
		ends bool
	}
	var events []event
	for i := range h.Txs {
		events = append(events, event{h.Txs[i].Begin, i, false})
		if h.Txs[i].End != 0 {
			events = append(events, event{h.Txs[i].End, i, true})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	last := -1
	for _, e := range events {
		switch {
		case e.ends && end(e.tx) >= 0:
			now := len(g.edges)
			g.edges = append(g.edges, nil)
			g.add(edge{from: end(e.tx), to: now, kind: realtime})
			if last >= 0 {
				g.add(edge{from: last, to: now, kind: realtime})
			}
			last = now
		case !e.ends && last >= 0 && begin(e.tx) >= 0:
			g.add(edge{from: last, to: begin(e.tx), kind: realtime})
		}
	}
}

func (g *graph) add(e edge) { g.edges[e.from] = append(g.edges[e.from], e) }

// dependencies builds the graph of the committed transactions.
func (a *analysis) dependencies() *graph {
	n := len(a.h.Txs)
	g := &graph{txs: n, edges: make([][]edge, n)}
	for _, name := range a.names {
		l := a.lists[name]
		before := -1
		for at, v := range l.order {
			w := a.node(l, v)
			if w >= 0 && before >= 0 && w != before {
				g.add(edge{before, w, ww, l, at})
			}
			if w >= 0 {
				before = w
			}
		}
	}
	for _, r := range a.reads {
		if !a.committed[r.tx] {
			continue
		}
		if w, at := a.lastWriter(r); w >= 0 && w != r.tx {
			g.add(edge{w, r.tx, wr, r.list, at})
		}
		if w, at := a.nextWriter(r); w >= 0 && w != r.tx {
			g.add(edge{r.tx, w, rw, r.list, at})
		}
	}
	last := map[int]int{}
	for _, i := range a.byBegin() {
		if !a.committed[i] {
			continue
		}
		p := a.h.Txs[i].Process
		if before, ok := last[p]; ok {
			g.add(edge{from: before, to: i, kind: process})
		}
		last[p] = i
	}
	node := func(tx int) int {
		if a.committed[tx] {
			return tx
		}
		return -1
	}
	g.times(a.h, node, node)
	return g
}

func (a *analysis) byBegin() []int {
	order := make([]int, len(a.h.Txs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(a.h.Txs[x].Begin, a.h.Txs[y].Begin) })
	return order
}

// node returns the committed transaction that appended a value, or -1.
func (a *analysis) node(l *list, value int64) int {
	if w, ok := a.writer[element{l.name, value}]; ok && a.committed[w] {
		return w
	}
	return -1
}

// lastWriter returns who appended the last committed value of the version that was read.
func (a *analysis) lastWriter(r external) (tx, at int) {
	for at := r.version - 1; at >= 0; at-- {
		if w := a.node(r.list, r.list.order[at]); w >= 0 {
			return w, at
		}
	}
	return -1, 0
}

// nextWriter returns who appended the first committed value after the version that was read.
func (a *analysis) nextWriter(r external) (tx, at int) {
	for at := r.version; at < len(r.list.order); at++ {
		if w := a.node(r.list, r.list.order[at]); w >= 0 {
			return w, at
		}
	}
	return -1, 0
}

// explain says in words why an edge is there.
func (e *edge) explain(from, to string) string {
	switch e.kind {
	case ww:
		before := "nothing"
		if e.at > 0 {
			before = fmt.Sprint(e.list.order[e.at-1])
		}
		return fmt.Sprintf("%s appended %d to list %s after %s's %s", to, e.list.order[e.at], e.list.name, from, before)
	case wr:
		return fmt.Sprintf("%s read list %s with %s's %d", to, e.list.name, from, e.list.order[e.at])
	case rw:
		return fmt.Sprintf("%s read list %s without %s's %d", from, e.list.name, to, e.list.order[e.at])
	case process:
		return fmt.Sprintf("%s followed %s in the same process", to, from)
	}
	return fmt.Sprintf("%s began after %s had ended", to, from)
}
