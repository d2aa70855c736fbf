package exec

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/laminadb/lamina/vec"
)

// mergeScratch is what merging tables needs.
type mergeScratch struct {
	d     *keyDecoder
	s     *codeScratch
	words []uint64
	old   []uint64 // words in the packing of the table that is merged
	codes []uint32
	pos   []uint64
	arena arena
	// keysOf returns keys of groups of the table that is merged, for those that are not keys of the other as they are.
	keysOf func(from *groupTable, ids []uint32) ([]*vec.Vector, error)
	// det gathers the determined keys of the groups that are merged.
	det   determinedKeys
	detOf func() ([]*vec.Vector, error)
}

func newMergeScratch(a *aggregation) (*mergeScratch, error) {
	m := &mergeScratch{arena: arena{tracker: a.q.mem}}
	rows, err := newRowScratch(&m.arena)
	if err != nil {
		m.free()
		return nil, err
	}
	m.s = &codeScratch{rows: rows, arena: &m.arena, dicts: make([]dictCodes, max(a.nk, 1))}
	if m.s.ints, err = makeSlice[int64](&m.arena, batchRows); err == nil {
		m.words, err = makeSlice[uint64](&m.arena, batchRows)
	}
	if err == nil {
		m.old, err = makeSlice[uint64](&m.arena, batchRows)
	}
	if err == nil {
		m.codes, err = makeSlice[uint32](&m.arena, batchRows)
	}
	if err == nil {
		m.pos, err = makeSlice[uint64](&m.arena, batchRows)
	}
	if err == nil {
		m.d, err = newKeyDecoder(a.q.mem, a.nk)
	}
	if err == nil {
		m.detOf = m.det.merged
		err = m.det.alloc(&m.arena, len(a.determined))
	}
	if err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

func (m *mergeScratch) free() {
	if m.d != nil {
		m.d.free()
	}
	m.arena.free()
}

func noBounds(int) (int64, int64, bool) { return 0, 0, false }

// mergeAll adds all groups of from, whose rows come later where order matters, to t.
func (t *groupTable) mergeAll(from *groupTable, m *mergeScratch) error {
	return t.mergeInto(from, m, nil)
}

// mergeInto is mergeAll; codes, if not nil, is set to the group of t of each group of from.
func (t *groupTable) mergeInto(from *groupTable, m *mergeScratch, codes []uint32) error {
	ids := m.d.ids
	for at := 0; at < from.n; at += batchRows {
		k := min(batchRows, from.n-at)
		for i := range k {
			ids[i] = uint32(at + i)
		}
		if err := t.merge(from, ids[:k], m); err != nil {
			return err
		}
		if codes != nil {
			copy(codes[at:], m.codes[:k])
		}
	}
	return nil
}

// merge adds groups of from to t.
func (t *groupTable) merge(from *groupTable, ids []uint32, m *mergeScratch) error {
	k := len(ids)
	codes := m.codes[:k]
	if t.a.positions {
		for i, id := range ids {
			m.pos[i] = from.pos.v[id]
		}
	}
	if t.a.nk == 0 {
		clear(codes)
		if err := t.one(); err != nil {
			return err
		}
	} else {
		if err := t.findMerged(from, ids, codes, m); err != nil {
			return err
		}
	}
	return t.mergeStates(from, ids, codes)
}

// findMerged sets codes to the groups of t for groups of from: by their words if both tables pack the same integers.
func (t *groupTable) findMerged(from *groupTable, ids, codes []uint32, m *mergeScratch) error {
	k := len(ids)
	m.det.from, m.det.ids, t.detOf, t.posBase = from, ids, m.detOf, 0
	if m.keysOf == nil {
		if ok, err := t.takesWords(from); err != nil {
			return err
		} else if ok {
			for i, id := range ids {
				m.old[i] = from.words.v[id]
			}
			t.coder.pack.repack(m.words[:k], &from.coder.pack, m.old[:k])
			if err := t.settle(); err != nil {
				return err
			}
			if err := t.findWords(nil, k, m.words[:k], codes, m.pos, &runState{}); err != nil {
				return err
			}
			return t.firstRows(nil, k, codes, m.pos)
		}
	}
	vs, err := m.keys(from, ids)
	if err != nil {
		return err
	}
	if err := t.find(vs, k, m.s, m.words, codes, m.pos, noBounds, &runState{}); err != nil {
		return err
	}
	return t.firstRows(vs, k, codes, m.pos)
}

// keys returns the keys, for the table that is merged into, of groups of from.
func (m *mergeScratch) keys(from *groupTable, ids []uint32) ([]*vec.Vector, error) {
	if m.keysOf != nil {
		return m.keysOf(from, ids)
	}
	return m.d.vectors(from, &from.coder, ids), nil
}

// firstRows gives groups the position, and the key's image, of the earlier of the merged first rows.
func (t *groupTable) firstRows(vs []*vec.Vector, n int, codes []uint32, pos []uint64) error {
	if !t.a.positions {
		return nil
	}
	for i, c := range codes {
		if pos[i] >= t.pos.v[c] {
			continue
		}
		t.pos.v[c] = pos[i]
		if t.keys != nil {
			if err := t.keys.replace(c, vs, n, uint16(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeStates adds the states of groups ids of from to the groups codes.
func (t *groupTable) mergeStates(from *groupTable, ids, codes []uint32) error {
	for s := range t.a.states {
		if err := t.mergeSlow(s, from, ids, codes); err != nil {
			return err
		}
	}
	for s := range t.a.states {
		if k := t.a.states[s].kind; k == stateSlow || k == stateCount || from.scales[s].slow {
			continue
		}
		if err := t.mergeHot(s, from, ids, codes); err != nil {
			return err
		}
	}
	w := t.a.words
	for i, id := range ids {
		t.hot.v[int(codes[i])*w] += from.hot.v[int(id)*w]
	}
	if from.hasCold {
		return t.mergeExcluded(from, ids, codes)
	}
	return nil
}

// mergeHot merges the hot words of a state.
func (t *groupTable) mergeHot(s int, from *groupTable, ids, codes []uint32) error {
	t.infinite[s] = t.infinite[s] || from.infinite[s]
	if !t.sameScale(s, from) {
		if _, err := t.fallback(s); err != nil {
			return err
		}
		for i, id := range ids {
			if err := t.hotToSlow(s, codes[i], from, id); err != nil {
				return err
			}
		}
		return nil
	}
	st := &t.a.states[s]
	if st.kind == stateSum {
		return t.mergeSum(s, from, ids, codes)
	}
	w := t.a.words
	for i, id := range ids {
		mergeWord(st, &t.hot.v[int(codes[i])*w+st.word], from.hot.v[int(id)*w+st.word])
	}
	return nil
}

func mergeWord(st *aggState, to *uint64, x uint64) {
	switch st.kind {
	case stateFloat:
		*to = math.Float64bits(floatOfBits(*to) + floatOfBits(x))
	case stateFloat4:
		*to = math.Float64bits(float64(float32(floatOfBits(*to)) + float32(floatOfBits(x))))
	case stateMin:
		*to = uint64(min(int64(*to), int64(x)))
	case stateMax:
		*to = uint64(max(int64(*to), int64(x)))
	case stateBits:
		switch bitOps[st.op] {
		case '&':
			*to &= x
		case '|':
			*to |= x
		default:
			*to ^= x
		}
	}
}

func (t *groupTable) mergeSlow(s int, from *groupTable, ids, codes []uint32) error {
	if from.slow[s] == nil {
		return nil
	}
	if t.slow[s] == nil {
		if _, err := t.fallback(s); err != nil {
			return err
		}
	}
	return t.slow[s].merge(codes, from.slow[s], ids)
}

// mergeExcluded adds the counts of excluded rows.
func (t *groupTable) mergeExcluded(from *groupTable, ids, codes []uint32) error {
	if err := t.coldRows(); err != nil {
		return err
	}
	w := t.a.cold
	for i, id := range ids {
		to, src := t.cold.v[int(codes[i])*w:], from.cold.v[int(id)*w:]
		for j := range t.a.inputs {
			to[j] += src[j]
		}
	}
	return nil
}

// mergeSum adds integer sums of one scale.
func (t *groupTable) mergeSum(s int, from *groupTable, ids, codes []uint32) error {
	if t.bounds[s]+from.bounds[s] > boundMax {
		if err := t.flush(s); err != nil {
			return err
		}
	}
	t.bounds[s] += from.bounds[s]
	w, word := t.a.words, t.a.states[s].word
	for i, id := range ids {
		t.hot.v[int(codes[i])*w+word] += from.hot.v[int(id)*w+word]
	}
	if !from.hasCold {
		return nil
	}
	if err := t.coldRows(); err != nil {
		return err
	}
	for i, id := range ids {
		t.addWide(s, codes[i], from.wide(s, id))
	}
	return nil
}

// sameScale reports whether the hot integers of both tables have one scale.
func (t *groupTable) sameScale(s int, from *groupTable) bool {
	a, b := &t.scales[s], &from.scales[s]
	if a.slow {
		return false
	}
	if !b.known {
		return true
	}
	if !a.known {
		a.scale, a.known = b.scale, true
	}
	return a.scale == b.scale
}

// orderedMerger merges the partial results of morsels in the order of the morsels.
type orderedMerger struct {
	a       *aggregation
	mu      sync.Mutex
	next    int
	waiting []waitingPart
	t       *groupTable
	m       *mergeScratch
	room    room
	spilled bool // parts are written as they come
}

type waitingPart struct {
	ordinal int
	t       *groupTable
}

func (o *orderedMerger) init(a *aggregation) error {
	o.a, o.room.q = a, a.q
	var err error
	if o.m, err = newMergeScratch(a); err != nil {
		return err
	}
	o.t, err = newGroupTable(a, o.m.s.rows, &o.m.arena)
	return err
}

// add takes the result of a morsel, and merges those whose turn it is.
func (o *orderedMerger) add(ctx context.Context, ordinal int, t *groupTable) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spilled {
		defer t.free()
		return o.a.sink.spill.groups(ctx, t, ordinal)
	}
	at, _ := slices.BinarySearchFunc(o.waiting, ordinal, func(p waitingPart, n int) int { return p.ordinal - n })
	o.waiting = slices.Insert(o.waiting, at, waitingPart{ordinal, t})
	if o.full() {
		return o.spill(ctx)
	}
	for len(o.waiting) > 0 && o.waiting[0].ordinal == o.next {
		p := o.waiting[0]
		o.waiting = slices.Delete(o.waiting, 0, 1)
		err := o.t.mergeAll(p.t, o.m)
		p.t.free()
		if err != nil {
			return err
		}
		o.next++
	}
	return nil
}

func (o *orderedMerger) close() {
	for _, p := range o.waiting {
		p.t.free()
	}
	o.waiting = nil
	if o.t != nil {
		o.t.free()
	}
	if o.m != nil {
		o.m.free()
	}
}

func (s *aggSink) close() {
	for _, l := range s.locals {
		l.ev.Close()
		if l.det != nil {
			l.det.Close()
		}
		l.t.free()
		for _, d := range l.sets {
			d.free()
		}
	}
	s.locals = nil
	s.merger.close()
	s.result.free()
	s.arena.free()
}
