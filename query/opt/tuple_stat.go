package opt

import "slices"

// tupleStat is an estimate about two or more columns together, of which a key says it: how many tuples of values there are where
// nothing but conditions on these columns has left rows out. Equalities of all of them are one equality with that many values; those
// of each alone would count as if every value of one column occurred with every value of the others.
type tupleStat struct {
	cols     colSet
	distinct float64
}

// addTuple remembers how many tuples some columns have.
func (i *info) addTuple(cols colSet, distinct float64) {
	if len(i.tuples) < tuplesMax && cols.len() > 1 && !slices.ContainsFunc(i.tuples, func(t tupleStat) bool { return t.cols.subsetOf(cols) && cols.subsetOf(t.cols) }) {
		i.tuples = append(i.tuples[:len(i.tuples):len(i.tuples)], tupleStat{cols, distinct})
	}
}

// joinTuples gathers the tuples of both inputs of a join; of columns that are equal in all its rows one stands for the other.
func (i *info) joinTuples(l, r *info, equal []joinEquality) {
	for _, in := range []*info{l, r} {
		for _, t := range in.tuples {
			i.addTuple(t.cols, t.distinct)
		}
	}
	for n := 0; n < len(i.tuples); n++ { // those that are added as well
		t := i.tuples[n]
		for _, e := range equal {
			for _, p := range [][2]int{{e.l, e.r}, {e.r, e.l}} {
				if p[0] != 0 && p[1] != 0 && t.cols.has(p[0]) && !t.cols.has(p[1]) {
					var from, to colSet
					from.add(p[0])
					to.add(p[1])
					i.addTuple(union(t.cols.without(from), to), t.distinct)
				}
			}
		}
	}
}
