package history

import (
	"fmt"
	"slices"
)

// element is a value of a list.
type element struct {
	list  string
	value int64
}

// list is what is known of one list.
type list struct {
	name string
	// order is the longest read: the versions of the list are its beginnings.
	order []int64
	// at is the place of each value in order.
	at map[int64]int
	// reader has read order.
	reader int
}

// external is a read of what others have appended.
type external struct {
	tx, op int
	list   *list
	// version is the number of values that were there, own ones left out.
	version int
}

// analysis is a check under way.
type analysis struct {
	h *History
	// committed says of each transaction whether it was committed, which may be known from what others saw.
	committed []bool
	writer    map[element]int // the transaction that appended a value
	lists     map[string]*list
	names     []string // of the lists, in order
	reads     []external
	found     []Finding
}

// perKind bounds the findings of a kind that are no cycles.
const perKind = 5

func (a *analysis) report(kind Anomaly, txs []int, format string, args ...any) {
	n := 0
	for i := range a.found {
		if a.found[i].Anomaly == kind {
			n++
		}
	}
	if n < perKind {
		a.found = append(a.found, a.finding(kind, txs, fmt.Sprintf(format, args...)))
	}
}

// writers finds who has appended what.
func (a *analysis) writers() {
	a.writer = map[element]int{}
	a.committed = make([]bool, len(a.h.Txs))
	for i := range a.h.Txs {
		t := &a.h.Txs[i]
		a.committed[i] = t.Outcome == Committed
		for _, op := range t.Ops {
			if !op.Append {
				continue
			}
			e := element{op.List, op.Value}
			if other, twice := a.writer[e]; twice {
				a.report(Duplicate, []int{other, i}, "%d was appended to list %s twice: values must be unique in a list", op.Value, op.List)
			}
			a.writer[e] = i
		}
	}
}

// orders infers the order of the versions of each list, and who was committed after all.
func (a *analysis) orders() {
	a.lists = map[string]*list{}
	for i := range a.h.Txs {
		for _, op := range a.h.Txs[i].Ops {
			l := a.lists[op.List]
			if l == nil {
				l = &list{name: op.List, reader: -1}
				a.lists[op.List] = l
				a.names = append(a.names, op.List)
			}
			if op.Append {
				continue
			}
			others := a.withoutOwnTail(i, op)
			a.seen(i, op, others)
			if len(others) > len(l.order) || l.reader < 0 {
				l.order, l.reader = others, i
			}
		}
	}
	// A list of one's own making is longer, but is only a version once it was committed.
	for i := range a.h.Txs {
		if !a.committed[i] {
			continue
		}
		for _, op := range a.h.Txs[i].Ops {
			if l := a.lists[op.List]; !op.Append && len(op.Values) > len(l.order) {
				l.order, l.reader = op.Values, i
			}
		}
	}
	slices.Sort(a.names)
	for _, l := range a.lists {
		l.at = make(map[int64]int, len(l.order))
		for i, v := range l.order {
			l.at[v] = i
		}
	}
}

// withoutOwnTail returns what a read has shown less the values at the end that the reader appended itself.
func (a *analysis) withoutOwnTail(tx int, op Op) []int64 {
	n := len(op.Values)
	for n > 0 {
		if w, ok := a.writer[element{op.List, op.Values[n-1]}]; !ok || w != tx {
			break
		}
		n--
	}
	return op.Values[:n]
}

// seen looks at each value of a read: of which transaction it is, and whether it may be there.
func (a *analysis) seen(tx int, op Op, others []int64) {
	all := map[int64]bool{}
	for _, v := range op.Values {
		w, known := a.writer[element{op.List, v}]
		switch {
		case all[v]:
			a.report(Duplicate, []int{tx}, "%s read list %s with %d in it twice: %v", name(tx), op.List, v, op.Values)
		case !known:
			a.report(Garbage, []int{tx}, "%s read %d in list %s, which nobody has appended", name(tx), v, op.List)
		case w == tx:
		case a.h.Txs[w].Outcome == Aborted:
			a.report(G1a, []int{tx, w}, "%s read %d in list %s, appended by %s, which was rolled back", name(tx), v, op.List, name(w))
		default:
			a.committed[w] = true
		}
		all[v] = true
	}
	if len(others) == 0 {
		return
	}
	last := others[len(others)-1]
	w, known := a.writer[element{op.List, last}]
	if !known || w == tx {
		return
	}
	appends := a.appends(w, op.List)
	if final := appends[len(appends)-1]; final != last {
		a.report(G1b, []int{tx, w}, "%s read list %s up to %d, but %s appended %v to it", name(tx), op.List, last, name(w), appends)
	}
}

// appends returns what a transaction appended to a list.
func (a *analysis) appends(tx int, list string) (values []int64) {
	for _, op := range a.h.Txs[tx].Ops {
		if op.Append && op.List == list {
			values = append(values, op.Value)
		}
	}
	return values
}

// compare holds each read against the order of its list, and against what its transaction did before.
func (a *analysis) compare() {
	for i := range a.h.Txs {
		own := map[string][]int64{}
		for j, op := range a.h.Txs[i].Ops {
			if op.Append {
				own[op.List] = append(own[op.List], op.Value)
				continue
			}
			l := a.lists[op.List]
			others := a.withoutOwnTail(i, op)
			if tail := op.Values[len(others):]; !slices.Equal(tail, own[op.List]) || a.hasOwn(i, op.List, others) {
				a.report(Internal, []int{i}, "%s appended %v to list %s and then read %v", name(i), own[op.List], op.List, op.Values)
				continue
			}
			if len(others) > len(l.order) || !slices.Equal(others, l.order[:len(others)]) {
				a.report(Incompatible, []int{i, l.reader}, "%s read list %s as %v, %s as %v", name(i), op.List, op.Values, name(l.reader), l.order)
				continue
			}
			a.reads = append(a.reads, external{i, j, l, len(others)})
		}
	}
}

func (a *analysis) hasOwn(tx int, list string, values []int64) bool {
	return slices.ContainsFunc(values, func(v int64) bool {
		w, ok := a.writer[element{list, v}]
		return ok && w == tx
	})
}

// lost looks for values that were committed before a read of their list began, and are in none.
func (a *analysis) lost() {
	begun := map[string]int64{} // the last transaction that has read a list
	for _, r := range a.reads {
		begun[r.list.name] = max(begun[r.list.name], a.h.Txs[r.tx].Begin)
	}
	for i := range a.h.Txs {
		t := &a.h.Txs[i]
		for _, op := range t.Ops {
			if !op.Append || t.Outcome != Committed || t.End == 0 || t.End >= begun[op.List] {
				continue
			}
			if _, there := a.lists[op.List].at[op.Value]; !there {
				a.report(Lost, []int{i}, "%s appended %d to list %s, which is in no read of it", name(i), op.Value, op.List)
			}
		}
	}
}

// updates looks for lost updates: a transaction has read one version of a list, and appended to a later one.
func (a *analysis) updates() {
	type key struct {
		tx   int
		list string
	}
	first := map[key]int{} // version that a transaction has read before it appended
	for _, r := range a.reads {
		k := key{r.tx, r.list.name}
		if _, ok := first[k]; !ok && !slices.ContainsFunc(a.h.Txs[r.tx].Ops[:r.op], func(op Op) bool { return op.Append && op.List == k.list }) {
			first[k] = r.version
		}
	}
	for i := range a.h.Txs {
		if !a.committed[i] {
			continue
		}
		for _, name := range a.names {
			version, ok := first[key{i, name}]
			values := a.appends(i, name)
			if !ok || len(values) == 0 {
				continue
			}
			l := a.lists[name]
			if at, ok := l.at[values[0]]; ok && at > version {
				a.reportUpdate(i, l, version, values[0])
			}
		}
	}
}

func (a *analysis) reportUpdate(tx int, l *list, version int, value int64) {
	other := a.writer[element{l.name, l.order[version]}]
	a.report(LostUpdate, []int{tx, other}, "%s read list %s as %v and appended %d to it, but %s had appended %d in between",
		name(tx), l.name, l.order[:version], value, name(other), l.order[version])
}
