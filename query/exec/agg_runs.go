package exec

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/laminadb/lamina/internal/invariants"
)

// keyedRun is a run of a part of an aggregation that is being merged: at is its first group that is not merged.
type keyedRun struct {
	t       *groupTable
	ordinal int
	at, to  uint32
	key     int64 // of group at
}

// runLink is a group that belongs to a group of another run.
type runLink struct {
	to, from    *groupTable
	into, group uint32
}

// runRange is a number of neighbouring groups of a run, whose keys come after those of the range before.
type runRange struct {
	t           *groupTable
	ordinal     int
	from, to    uint32
	first, last int64
}

// runMerge is what merging runs makes: ranges of groups that are final but for the links into them.
type runMerge struct {
	ranges []runRange
	links  []runLink
	loose  []looseGroup
	thin   int // groups of runs that were taken apart
}

// looseGroup is a group that is in no run, or in one that was taken apart.
type looseGroup struct {
	t   *groupTable
	id  uint32
	key int64
}

// Runs are merged by key where more ranges than these would be the result: a share of the groups, and some.
const (
	rangesShare = 256
	rangesFree  = 1024
)

// chainRuns makes the result of parts most of whose groups stand in runs: where the keys of two runs touch, groups
// are merged, all others are final as they are. It returns false if the parts must be merged by key.
func (s *aggSink) chainRuns(parts []*groupTable) (bool, error) {
	a := s.a
	if a.ordered || len(a.distinct) > 0 || a.nk != 1 {
		return false, nil
	}
	var runs []keyedRun
	groups, loose := 0, 0
	for i, t := range parts {
		t.part = i
		if t.coder.hashed || t.coder.kinds[0] != keyInt || a.positions && t.indexed > 0 {
			return false, nil
		}
		for _, seg := range t.runs {
			runs = append(runs, keyedRun{t, seg.ordinal, seg.from, seg.to, t.coder.intOf(t.words.v[seg.from])})
		}
		groups, loose = groups+t.n, loose+t.indexed
	}
	m, ok := mergeRuns(runs, a.positions, groups, loose)
	if !ok {
		return false, nil
	}
	if m.thin > 0 {
		a.stats.note("%d groups of thin runs are looked for in the others", m.thin)
	}
	for _, t := range parts {
		if !m.addLoose(t) {
			return false, nil
		}
	}
	return true, s.joinRuns(parts, m)
}

// mergeRuns merges the runs of parts that have so many groups, and so many outside of runs. Where the order of groups does
// not count, and that of the runs' keys makes too many ranges, runs that have few of the keys between their first and last
// are taken apart: most often these are rows that were changed, and stand behind all others now.
func mergeRuns(runs []keyedRun, inOrder bool, groups, loose int) (*runMerge, bool) {
	if 2*loose > groups || len(runs) == 0 {
		return nil, false
	}
	limit := groups/rangesShare + rangesFree
	m := &runMerge{}
	if m.merge(slices.Clone(runs), inOrder, limit) {
		return m, true
	}
	if inOrder {
		return nil, false
	}
	m = &runMerge{}
	rest := m.takeThin(runs, groups)
	return m, m.thin > 0 && 2*(loose+m.thin) <= groups && m.merge(rest, inOrder, limit)
}

// spread returns how many keys there are from the first to the last of a run to one that it has.
func (r *keyedRun) spread() float64 {
	last := r.t.coder.intOf(r.t.words.v[r.to-1])
	return (float64(last) - float64(r.key) + 1) / float64(r.to-r.at)
}

// thinRun is how many times more keys than others a run lacks that is thin.
const thinRun = 2

// takeThin makes loose groups of runs that lack more keys than those which most groups are in, and returns the others. Half
// of the groups remain, at least, or it takes none.
func (m *runMerge) takeThin(runs []keyedRun, groups int) []keyedRun {
	slices.SortFunc(runs, func(a, b keyedRun) int { return cmp.Compare(a.spread(), b.spread()) })
	n, dense, first := 0, 0.0, len(runs)
	for i := range runs {
		r := &runs[i]
		if 2*n < groups {
			dense = r.spread()
		} else if r.spread() > thinRun*dense {
			first = min(first, i)
		}
		n += int(r.to - r.at)
	}
	for _, r := range runs[first:] {
		m.thin += int(r.to - r.at)
	}
	if 2*m.thin > groups {
		m.thin = 0
		return runs
	}
	m.loose = make([]looseGroup, 0, m.thin)
	for _, r := range runs[first:] {
		if invariants.Mutant("agg-thin-runs-lose-groups") {
			r.at++
		}
		for id := r.at; id < r.to; id++ {
			m.loose = append(m.loose, looseGroup{r.t, id, r.t.coder.intOf(r.t.words.v[id])})
		}
	}
	return runs[:first]
}

// merge makes ranges of the runs' groups in the order of their keys; false if there would be more than limit, or,
// where the order of the groups is that of their rows, if the keys have another.
func (m *runMerge) merge(runs []keyedRun, inOrder bool, limit int) bool {
	for i := len(runs)/2 - 1; i >= 0; i-- {
		siftRun(runs, i)
	}
	for len(runs) > 0 {
		if len(m.ranges)+len(m.links) > limit {
			return false
		}
		r := &runs[0]
		if n := len(m.ranges); n > 0 && m.ranges[n-1].last == r.key && !invariants.Mutant("agg-chain-overlapping-runs") {
			tail := &m.ranges[n-1]
			if inOrder && r.ordinal < tail.ordinal {
				return false
			}
			m.links = append(m.links, runLink{to: tail.t, from: r.t, into: tail.to - 1, group: r.at})
			runs = r.advance(r.at+1, runs)
			continue
		}
		end := r.before(runs)
		if n := len(m.ranges); inOrder && n > 0 && r.ordinal < m.ranges[n-1].ordinal {
			return false
		}
		m.ranges = append(m.ranges, runRange{r.t, r.ordinal, r.at, end, r.key, r.t.coder.intOf(r.t.words.v[end-1])})
		runs = r.advance(end, runs)
	}
	return true
}

// before returns the end of the groups of the first run whose keys lie before those of all other runs, at least one.
func (r *keyedRun) before(runs []keyedRun) uint32 {
	bound := int64(math.MaxInt64)
	for _, i := range []int{1, 2} { // the least of the others is a child of the first
		if i < len(runs) {
			bound = min(bound, runs[i].key)
		}
	}
	if len(runs) == 1 {
		return r.to
	}
	return max(r.at+1, lowerGroup(r.t, r.at, r.to, bound))
}

// lowerGroup returns the first of the groups from … to-1, whose keys ascend, with a key of at least bound, or to. It looks
// near from first.
func lowerGroup(t *groupTable, from, to uint32, bound int64) uint32 {
	step := uint32(1)
	for to-from > step && t.coder.intOf(t.words.v[from+step]) < bound {
		from += step
		step *= 2
	}
	to = min(to, from+step)
	return from + uint32(sort.Search(int(to-from), func(i int) bool { return t.coder.intOf(t.words.v[from+uint32(i)]) >= bound }))
}

// advance has the first run go on at group at, and returns the runs that are not at their ends.
func (r *keyedRun) advance(at uint32, runs []keyedRun) []keyedRun {
	if r.at = at; at < r.to {
		r.key = r.t.coder.intOf(r.t.words.v[at])
	} else {
		runs[0] = runs[len(runs)-1]
		runs = runs[:len(runs)-1]
	}
	siftRun(runs, 0)
	return runs
}

// siftRun moves entry i of a heap of runs, the least key first, to its place.
func siftRun(runs []keyedRun, i int) {
	for {
		c := 2*i + 1
		if c >= len(runs) {
			return
		}
		if c+1 < len(runs) && runs[c+1].less(&runs[c]) {
			c++
		}
		if !runs[c].less(&runs[i]) {
			return
		}
		runs[i], runs[c] = runs[c], runs[i]
		i = c
	}
}

func (r *keyedRun) less(o *keyedRun) bool {
	return r.key < o.key || r.key == o.key && r.ordinal < o.ordinal
}

// addLoose finds the groups of a table that are in none of its runs; false if the key of one is NULL.
func (m *runMerge) addLoose(t *groupTable) bool {
	ok := true
	null := t.coder.pack.cols[0].nullable
	t.eachIndexed(func(id uint32) {
		ok = ok && (!null || !t.coder.nullWord(t.words.v[id]))
		m.loose = append(m.loose, looseGroup{t, id, t.coder.intOf(t.words.v[id])})
	})
	return ok
}

// placeLoose links groups that are in no run to those of the same key, and returns the others.
func (m *runMerge) placeLoose() []looseGroup {
	slices.SortFunc(m.loose, func(a, b looseGroup) int { return cmp.Compare(a.key, b.key) })
	rest, at, id := m.loose[:0], 0, uint32(0)
	for _, g := range m.loose {
		for at < len(m.ranges) && m.ranges[at].last < g.key {
			at, id = at+1, 0
		}
		if at < len(m.ranges) && m.ranges[at].first <= g.key {
			r := &m.ranges[at]
			if id = lowerGroup(r.t, max(id, r.from), r.to, g.key); r.t.coder.intOf(r.t.words.v[id]) == g.key && !invariants.Mutant("agg-loose-groups-apart") {
				m.links = append(m.links, runLink{to: r.t, from: g.t, into: id, group: g.id})
				continue
			}
		}
		if n := len(rest); n > 0 && rest[n-1].key == g.key {
			m.links = append(m.links, runLink{to: rest[n-1].t, from: g.t, into: rest[n-1].id, group: g.id})
			continue
		}
		rest = append(rest, g)
	}
	return rest
}

// joinRuns adds groups that are linked to others to those, and makes the rest the result.
func (s *aggSink) joinRuns(parts []*groupTable, m *runMerge) error {
	rest := m.placeLoose()
	groups := len(rest)
	for i := range m.ranges {
		r := &m.ranges[i]
		groups += int(r.to - r.from)
		s.result.addRange(r.t, r.from, r.to)
	}
	if err := mergeLinks(m.links); err != nil {
		return err
	}
	for _, to := range parts {
		var ids []uint32
		for _, g := range rest {
			if g.t == to {
				ids = append(ids, g.id)
			}
		}
		s.result.addIDs(to, ids)
	}
	s.a.stats.note("%d groups, final where the runs' keys do not touch", groups)
	return nil
}

// mergeLinks adds groups to those of other runs that they belong to, all of a pair of tables at a time.
func mergeLinks(links []runLink) error {
	pair := func(l *runLink) uint64 { return uint64(l.to.part)<<32 | uint64(l.from.part) }
	slices.SortFunc(links, func(a, b runLink) int { return cmp.Compare(pair(&a), pair(&b)) })
	var ids, codes []uint32
	for i := range links {
		l := &links[i]
		ids, codes = append(ids, l.group), append(codes, l.into)
		if i+1 < len(links) && pair(l) == pair(&links[i+1]) {
			continue
		}
		if err := l.to.mergeStates(l.from, ids, codes); err != nil {
			return err
		}
		ids, codes = ids[:0], codes[:0]
	}
	return nil
}

// intOf returns the key of a word of a coder of one integer column that is not NULL.
func (c *keyCoder) intOf(word uint64) int64 {
	p := &c.pack.cols[0]
	switch {
	case p.bits == 0:
		return p.lo
	case p.whole:
		return int64(word)
	}
	if p.bits < 64 {
		word = word >> (p.shift & 63) & (1<<p.bits - 1)
	}
	if p.nullable {
		word--
	}
	return int64(word + uint64(p.lo))
}

// nullWord reports whether a word of a coder of one column that may be NULL is that of NULL.
func (c *keyCoder) nullWord(word uint64) bool {
	p := &c.pack.cols[0]
	return p.bits == 0 || word>>(p.shift&63)&(1<<p.bits-1) == 0
}
