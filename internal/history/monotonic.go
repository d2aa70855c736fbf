package history

// monotonic looks for a cycle among single reads and commits. Where each statement reads a snapshot, a read and a commit
// are points in time: a read comes after the commits that it shows, before those that it does not show, after the reads
// that its transaction did before, and before the commit of its transaction. Any cycle then is an anomaly, whatever
// its edges: one that has seen some of a transaction and later does not see the rest (Observed Transaction Vanishes), a
// list that gets shorter, a read that shows half of a commit to two lists if the snapshot is older for one of them. Adya
// calls a cycle with one rw edge in such an unfolded graph G-monotonic. The reads of transactions that were rolled back
// count too.
func (a *analysis) monotonic() {
	n := len(a.h.Txs)
	// Nodes: commits of transactions, then reads, then moments.
	g := &graph{txs: n + len(a.reads), edges: make([][]edge, n+len(a.reads))}
	first := make([]int, n)
	for i := range first {
		first[i] = -1
		if a.committed[i] {
			first[i] = i
		}
	}
	for _, name := range a.names {
		l := a.lists[name]
		before := -1
		for at, v := range l.order {
			if w := a.node(l, v); w >= 0 {
				if before >= 0 && w != before {
					g.add(edge{before, w, ww, l, at})
				}
				before = w
			}
		}
	}
	for i := len(a.reads) - 1; i >= 0; i-- { // the reads of a transaction stand together, in its order
		r, node := a.reads[i], n+i
		if w, at := a.lastWriter(r); w >= 0 && w != r.tx {
			g.add(edge{w, node, wr, r.list, at})
		}
		if w, at := a.nextWriter(r); w >= 0 && w != r.tx {
			g.add(edge{node, w, rw, r.list, at})
		}
		if first[r.tx] >= 0 {
			g.add(edge{from: node, to: first[r.tx], kind: process})
		}
		first[r.tx] = node
	}
	g.times(a.h, func(tx int) int { return first[tx] }, func(tx int) int {
		if a.committed[tx] {
			return tx
		}
		return -1
	})
	for _, c := range []class{
		{kind: GMonotonic, first: ww | wr | rw, rest: ww | wr | rw | process},
		{kind: GMonotonic + "-realtime", first: ww | wr | rw, rest: ww | wr | rw | process | realtime},
	} {
		if cycle := g.find(c); cycle != nil {
			a.reportUnfolded(c.kind, cycle)
			return
		}
	}
}
