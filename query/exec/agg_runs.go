package exec

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
)

// keyedRun is a run of a part of an aggregation, with the keys of its first and last group.
type keyedRun struct {
	t           *groupTable
	seg         runSegment
	first, last int64
}

// runLink is a group, the first of its run, that belongs to the last one of a run before.
type runLink struct {
	to, from    *groupTable
	into, group uint32
}

// chainRuns makes the result of parts whose groups all stand in runs, if the key ranges of the runs follow
// each other: only the last group of a run may go on in the next one, all others are final. It returns false
// if the parts must be merged by key.
func (s *aggSink) chainRuns(parts []*groupTable) (bool, error) {
	a := s.a
	if a.ordered || a.single || len(a.distinct) > 0 || a.nk != 1 {
		return false, nil
	}
	var runs []keyedRun
	for _, t := range parts {
		if t.indexed > 0 || t.coder.hashed || t.coder.kinds[0] != keyInt {
			return false, nil
		}
		for _, seg := range t.runs {
			runs = append(runs, keyedRun{t, seg, t.coder.intOf(t.words.v[seg.from]), t.coder.intOf(t.words.v[seg.to-1])})
		}
	}
	slices.SortFunc(runs, func(x, y keyedRun) int {
		switch {
		case x.first != y.first:
			return b2i(x.first > y.first) - b2i(x.first < y.first)
		case x.last != y.last:
			return b2i(x.last > y.last) - b2i(x.last < y.last)
		}
		return x.seg.ordinal - y.seg.ordinal
	})
	for i := 1; i < len(runs); i++ {
		x, y := &runs[i-1], &runs[i]
		if y.first < x.last && !invariants.Mutant("agg-chain-overlapping-runs") || a.positions && y.seg.ordinal < x.seg.ordinal {
			return false, nil
		}
	}
	return true, s.joinRuns(parts, runs)
}

// joinRuns adds groups that go on from the run before to those, and makes the rest the result.
func (s *aggSink) joinRuns(parts []*groupTable, runs []keyedRun) error {
	var links []runLink
	var tail *keyedRun // has the last group so far
	groups := 0
	for i := range runs {
		r := &runs[i]
		from := r.seg.from
		if tail != nil && tail.last == r.first {
			links = append(links, runLink{to: tail.t, from: r.t, into: tail.seg.to - 1, group: from})
			from++
		}
		if from < r.seg.to {
			tail = r
			groups += int(r.seg.to - from)
			s.result.addRange(r.t, from, r.seg.to)
		}
	}
	for _, to := range parts {
		for _, from := range parts {
			if err := mergeLinks(to, from, links); err != nil {
				return err
			}
		}
	}
	s.a.stats.note("%d groups, final where the runs' keys do not touch", groups)
	return nil
}

// mergeLinks adds groups of one table to those of another that they belong to.
func mergeLinks(to, from *groupTable, links []runLink) error {
	var ids, codes []uint32
	for _, l := range links {
		if l.to == to && l.from == from {
			ids, codes = append(ids, l.group), append(codes, l.into)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return to.mergeStates(from, ids, codes)
}

// intOf returns the key of a word of a coder of one integer column that is not NULL.
func (c *keyCoder) intOf(word uint64) int64 {
	p := &c.pack.cols[0]
	if p.bits == 0 {
		return p.lo
	}
	if p.bits < 64 {
		word = word >> (p.shift & 63) & (1<<p.bits - 1)
	}
	if p.nullable {
		word--
	}
	return int64(word + uint64(p.lo))
}
