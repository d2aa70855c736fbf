package exec

import (
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// groupTable holds groups: numbered from 0 in the order in which they came, with a key word, keys if they
// cannot be had from the word, and states. One worker uses it.
type groupTable struct {
	a     *aggregation
	n     int
	words column[uint64]
	coder keyCoder
	// The groups are found by an array over their words if these are few bits, else by hash. Groups of
	// runs are not in the index.
	index    kernel.GroupIndex
	slots    column[uint64]
	dense    column[uint32]
	isDense  bool
	noIndex  bool                          // the index is made when a group must be found in it
	indexed  int                           // groups in the index
	seen     int64                         // rows that were looked for in it
	keys     *rowSet                       // hashed coders only: row id = group
	det      *rowSet                       // determined keys: row id = group
	detOf    func() ([]*vec.Vector, error) // those of the rows that are looked up
	pos      column[uint64]
	posBase  uint64 // added to the positions of rows that are looked up
	hot      column[uint64]
	cold     column[uint64]
	hasCold  bool
	scales   []sumScale // of each state
	bounds   []uint64   // of the int64 partial sums of each state
	slow     []slowState
	infinite []bool // a float input was infinite or NaN
	finished bool   // costly results are made
	runs     []runSegment
	part     int // number of the table among those that are merged
	fresh    []uint16
	tracker  *mem.Tracker
	rows     *rowScratch
	blocks   *atomic.Int32
}

// sumScale is the scale of a state's integers over a numeric input.
type sumScale struct {
	scale int16
	known bool
	slow  bool // all values are in the slow state, those that came before it too
}

// runSegment is a run of groups of one morsel whose words ascend and which no index holds.
type runSegment struct {
	ordinal  int
	from, to uint32
}

func newGroupTable(a *aggregation, rows *rowScratch, ar *arena) (*groupTable, error) {
	t := newBareTable(a, rows)
	var err error
	t.fresh, err = makeSlice[uint16](ar, batchRows+1)
	return t, err
}

// newBareTable returns a table in which no group can be looked for.
func newBareTable(a *aggregation, rows *rowScratch) *groupTable {
	t := &groupTable{
		a: a, tracker: a.q.mem, rows: rows, scales: make([]sumScale, len(a.states)),
		bounds: make([]uint64, len(a.states)), slow: make([]slowState, len(a.states)),
		infinite: make([]bool, len(a.states)), blocks: new(atomic.Int32),
	}
	t.coder.numbers = a.numbers
	for i := range a.states {
		if s := &a.states[i]; s.slow != nil {
			t.slow[i] = s.slow(t)
		}
	}
	return t
}

func (t *groupTable) free() {
	t.words.free()
	t.slots.free()
	t.dense.free()
	t.pos.free()
	t.hot.free()
	t.cold.free()
	if t.keys != nil {
		t.keys.free()
	}
	if t.det != nil {
		t.det.free()
	}
	for _, s := range t.slow {
		if s != nil {
			s.free()
		}
	}
}

// reserve makes room for n more groups.
func (t *groupTable) reserve(n int) error {
	need := t.n + n + 1
	if err := t.words.grow(t.tracker, need); err != nil {
		return err
	}
	if err := t.hot.grow(t.tracker, need*t.a.words); err != nil {
		return err
	}
	if t.a.positions {
		if err := t.pos.grow(t.tracker, need); err != nil {
			return err
		}
	}
	if t.hasCold {
		if err := t.cold.grow(t.tracker, need*t.a.cold); err != nil {
			return err
		}
	}
	for _, s := range t.slow {
		if s != nil {
			if err := s.grow(need); err != nil {
				return err
			}
		}
	}
	return nil
}

// coldRows makes the cold states, which only NULLs, filters and large sums need.
func (t *groupTable) coldRows() error {
	if t.hasCold || t.a.cold == 0 {
		return nil
	}
	t.hasCold = true
	return t.cold.grow(t.tracker, (t.n+batchRows+1)*t.a.cold)
}

// fallback returns the slow state behind hot state s: what does not fit its integers goes there.
func (t *groupTable) fallback(s int) (slowState, error) {
	if t.slow[s] == nil {
		t.slow[s] = t.slowBehind(s)
		if err := t.slow[s].grow(max(t.n, 1) + batchRows + 1); err != nil {
			return nil, err
		}
		if err := t.leaveHot(s); err != nil {
			return nil, err
		}
	}
	return t.slow[s], nil
}

// slowBehind makes the slow state behind hot state s.
func (t *groupTable) slowBehind(s int) slowState {
	switch t.a.states[s].kind {
	case stateSum:
		return newNumericSums(t)
	case stateMin:
		return newLeastValues(t)
	}
	return newGreatestValues(t)
}

// leaveHot moves the numerics of hot state s into its slow state. Counts must not include values that are
// not in the state yet.
func (t *groupTable) leaveHot(s int) error {
	t.scales[s].slow = true
	st := &t.a.states[s]
	for i := range t.n {
		id := uint32(i)
		if err := t.hotToSlow(s, id, t, id); err != nil {
			return err
		}
		p := &t.hot.v[i*t.a.words+st.word]
		*p = 0
		if t.a.initial != nil {
			*p = t.a.initial[st.word]
		}
		if t.hasCold && st.kind == stateSum {
			t.setWide(s, id, types.Int128{})
		}
	}
	t.bounds[s] = 0
	return nil
}

// hotToSlow adds what hot state s of a group of from holds to group to's slow state.
func (t *groupTable) hotToSlow(s int, to uint32, from *groupTable, id uint32) error {
	if x, ok := t.slow[s].(*extremeValues); ok {
		return t.offerHot(s, x, to, from, id)
	}
	if from.count(t.a.states[s].input, id) == 0 {
		return nil
	}
	d := types.NewInt128Numeric(from.total(s, id), int(from.scales[s].scale))
	return t.slow[s].(*numericSums).add(to, d)
}

// offerHot offers the hot least or greatest numeric of a group of from to group to's slow state.
func (t *groupTable) offerHot(s int, x *extremeValues, to uint32, from *groupTable, id uint32) error {
	x.kind, x.class, x.known = types.Numeric, types.ClassNumeric, true
	st := &t.a.states[s]
	v := from.hot.v[int(id)*t.a.words+st.word]
	if v == t.a.initial[st.word] {
		return nil
	}
	x.buf = encodeDatum(x.buf[:0], types.NewDecimal(int64(v), int(from.scales[s].scale)))
	return x.offer(to, x.buf)
}

// added initialises the groups from old on, made by the rows of t.fresh (ordinals of vs).
func (t *groupTable) added(old int, vs []*vec.Vector, n int, fresh []uint16, pos []uint64) error {
	if t.keys != nil {
		if err := t.keys.append(vs, n, fresh); err != nil {
			return err
		}
	}
	if len(t.a.determined) > 0 && len(fresh) > 0 {
		if err := t.addDetermined(n, fresh); err != nil {
			return err
		}
	}
	if init := t.a.initial; init != nil {
		w := t.a.words
		for id := old; id < t.n; id++ {
			copy(t.hot.v[id*w:id*w+w], init)
		}
	}
	if t.a.positions {
		for k, i := range fresh {
			t.pos.v[old+k] = t.posBase + pos[i]
		}
	}
	return nil
}

// addDetermined keeps the determined keys of the rows that make new groups.
func (t *groupTable) addDetermined(n int, fresh []uint16) error {
	if t.det == nil {
		t.det = newRowSet(t.tracker, exprTypes(t.a.determined), nil, false, t.blocks, t.rows)
	}
	vs, err := t.detOf()
	if err != nil {
		return err
	}
	return t.det.append(vs, n, fresh)
}

func exprTypes(list []expr.Expr) []types.Type {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type()
	}
	return ts
}

// one makes sure that the only group of an aggregation without keys exists.
func (t *groupTable) one() error {
	if t.n > 0 {
		return nil
	}
	if err := t.reserve(1); err != nil {
		return err
	}
	t.n = 1
	return t.added(0, nil, 0, []uint16{0}, []uint64{0})
}

// find sets codes to the groups of n rows, new ones made. words is scratch; run says that the words of
// the morsel ascend, first that this is its first batch.
func (t *groupTable) find(vs []*vec.Vector, n int, s *codeScratch, words []uint64, codes []uint32, pos []uint64,
	bounds func(int) (int64, int64, bool), run *runState) error {
	words, codes = words[:n], codes[:n]
	if err := t.encode(vs, n, s, words, bounds); err != nil {
		return err
	}
	return t.findWords(vs, n, words, codes, pos, run)
}

// findWords is find for keys whose words are made; the keys themselves are needed only if they are hashed.
func (t *groupTable) findWords(vs []*vec.Vector, n int, words []uint64, codes []uint32, pos []uint64, run *runState) error {
	if err := t.reserve(n); err != nil {
		return err
	}
	old := t.n
	var fresh []uint16
	if run.use(t) {
		t.n, fresh = kernel.RunGroups(t.words.v, t.n, run.open, words, codes, t.fresh)
		run.extend(t, old)
		return t.added(old, vs, n, fresh, pos)
	}
	t.seen += int64(n)
	if err := t.needIndex(n); err != nil {
		return err
	}
	if t.isDense {
		t.n, fresh = kernel.FindGroupsDense(t.dense.v, t.words.v, t.n, words, codes, t.fresh)
	} else {
		t.n, fresh = kernel.FindGroups(&t.index, t.words.v, t.n, words, codes, t.fresh)
	}
	t.indexed += t.n - old
	if err := t.added(old, vs, n, fresh, pos); err != nil {
		return err
	}
	if t.coder.hashed {
		return t.verify(vs, n, words, codes, pos)
	}
	return nil
}

// encode computes the words of n rows, widening the coder if need be.
func (t *groupTable) encode(vs []*vec.Vector, n int, s *codeScratch, words []uint64, bounds func(int) (int64, int64, bool)) error {
	if t.coder.known && t.coder.words(words, vs, n, s) {
		return t.settle()
	}
	old := t.coder.clone()
	if t.a.q.env.Force.Aggregate == "hash" && !t.coder.known {
		t.coder.known, t.coder.hashed = true, true
	} else {
		t.coder.measure(t.words.v[:t.n])
		t.coder.widen(vs, n, s, bounds)
		if turned, err := t.numberGroups(&old, s); err != nil {
			return err
		} else if turned {
			t.coder.widen(vs, n, s, bounds)
		}
	}
	if err := t.recode(&old, s); err != nil {
		return err
	}
	if !t.coder.words(words, vs, n, s) {
		return errNotCoded
	}
	return nil
}

// settle goes over to an array once so many rows have been seen that it pays.
func (t *groupTable) settle() error {
	if !t.noIndex && !t.isDense && !t.coder.hashed && t.denseWanted(t.coder.pack.bits) {
		return t.reindex()
	}
	return nil
}

// Limits of the array that finds groups: always up to 2^denseBitsFree slots, beyond only a multiple of the
// rows that have been seen.
const (
	denseBitsFree = 16
	denseBitsMax  = 24
)

func (t *groupTable) denseWanted(bits uint) bool {
	if t.a.q.env.Force.Aggregate == "dense" && bits <= denseBitsMax {
		return true
	}
	return bits <= denseBitsFree || bits <= denseBitsMax && int64(1)<<bits <= 8*t.seen &&
		t.tracker.Fits(4<<bits, stateShare, shareWhole)
}

// roomInIndex makes the hash table large enough for n more groups.
func (t *groupTable) roomInIndex(n int) error {
	if 2*(t.indexed+n) <= len(t.index.Slots) {
		return nil
	}
	return t.makeSlots(max(2*len(t.index.Slots), 4*(t.indexed+n)))
}

// renewIndex makes an index empty, with so many slots at least, in place of those that it had.
func renewIndex(x *kernel.GroupIndex, slots *column[uint64], t *mem.Tracker, n int) error {
	bits := uint(10)
	for 1<<bits < n {
		bits++
	}
	var fresh column[uint64]
	if err := fresh.grow(t, 1<<bits); err != nil {
		return err
	}
	slots.free()
	*slots = fresh
	*x = kernel.GroupIndex{Slots: fresh.v[:1<<bits], Shift: 64 - bits}
	return nil
}

// makeSlots makes the hash table anew.
func (t *groupTable) makeSlots(slots int) error {
	if err := renewIndex(&t.index, &t.slots, t.tracker, slots); err != nil {
		return err
	}
	t.eachIndexed(func(id uint32) { kernel.InsertGroup(&t.index, t.words.v[id], id) })
	return nil
}

// eachIndexed calls f for the groups that are not of runs.
func (t *groupTable) eachIndexed(f func(id uint32)) {
	id := uint32(0)
	for _, r := range t.runs {
		for ; id < r.from; id++ {
			f(id)
		}
		id = r.to
	}
	for ; id < uint32(t.n); id++ {
		f(id)
	}
}

// needIndex makes sure that the index is there and has room for n more groups.
func (t *groupTable) needIndex(n int) error {
	if t.noIndex {
		t.noIndex = false
		if err := t.reindex(); err != nil {
			return err
		}
	}
	if t.isDense {
		return nil
	}
	return t.roomInIndex(n)
}

// dropIndex forgets an index without groups: those of runs never need one.
func (t *groupTable) dropIndex() {
	t.dense.free()
	t.slots.free()
	t.index, t.isDense, t.noIndex = kernel.GroupIndex{}, false, true
}

// reindex makes the index for the words as they are.
func (t *groupTable) reindex() error {
	t.isDense = !t.coder.hashed && t.denseWanted(t.coder.pack.bits)
	if !t.isDense {
		t.dense.free()
		return t.makeSlots(4 * (t.indexed + batchRows))
	}
	t.slots.free()
	t.index = kernel.GroupIndex{}
	t.dense.free()
	if err := t.dense.grow(t.tracker, 1<<t.coder.pack.bits); err != nil {
		return err
	}
	t.a.stats.noteMost("groups found by an array of %d slots: the keys' ranges are that small", 1<<t.coder.pack.bits)
	t.eachIndexed(func(id uint32) { t.dense.v[t.words.v[id]] = id + 1 })
	return nil
}

// recode makes the words of all groups anew after the coder has changed from old.
func (t *groupTable) recode(old *keyCoder, s *codeScratch) error {
	if t.coder.hashed && t.keys == nil {
		t.keys = newRowSet(t.tracker, exprTypes(t.a.exprs[:t.a.nk]), nil, false, t.blocks, t.rows)
		t.a.stats.note("groups found by hashed and compared keys")
	}
	if t.coder.alike(old) {
		return t.rewords(old)
	}
	if t.n > 0 {
		d, err := newKeyDecoder(t.tracker, t.a.nk)
		if err != nil {
			return err
		}
		defer d.free()
		for from := 0; from < t.n; from += batchRows {
			k := min(batchRows, t.n-from)
			for i := range k {
				d.ids[i] = uint32(from + i)
			}
			vs := d.vectors(t, old, d.ids[:k])
			if t.coder.hashed && !old.hashed {
				if err := t.keys.append(vs, k, nil); err != nil {
					return err
				}
			}
			if !t.coder.words(t.words.v[from:from+k], vs, k, s) {
				return errNotCoded
			}
		}
	}
	if t.indexed == 0 {
		t.dropIndex()
		return nil
	}
	return t.reindex()
}

// verify compares the keys of rows with those of the groups that their hashes led to. Rows of other
// keys with the same hash, which are next to never, look for their own group.
func (t *groupTable) verify(vs []*vec.Vector, n int, words []uint64, codes []uint32, pos []uint64) error {
	for i := range n {
		if t.sameKeys(vs, i, codes[i]) {
			continue
		}
		if err := t.findOther(vs, n, i, words[i], codes, pos); err != nil {
			return err
		}
	}
	return nil
}

func (t *groupTable) sameKeys(vs []*vec.Vector, i int, id uint32) bool {
	if invariants.Mutant("group-ignores-collisions") {
		return true
	}
	row := t.keys.row(id)
	for j, v := range vs {
		if !t.keys.equalAt(&t.keys.layout.slots[j], row, v, i) {
			return false
		}
	}
	return true
}

// findOther finds or makes the group of row i behind groups of other keys with the same word.
func (t *groupTable) findOther(vs []*vec.Vector, n, i int, word uint64, codes []uint32, pos []uint64) error {
	at := -1
	for {
		id, p, ok := kernel.NextGroup(&t.index, t.words.v, word, at)
		if !ok {
			break
		}
		if t.sameKeys(vs, i, id) {
			codes[i] = id
			return nil
		}
		at = p
	}
	if err := t.reserve(1); err != nil {
		return err
	}
	if err := t.roomInIndex(1); err != nil {
		return err
	}
	id := uint32(t.n)
	t.words.v[id] = word
	t.n++
	t.indexed++
	kernel.InsertGroup(&t.index, word, id)
	codes[i] = id
	return t.added(int(id), vs, n, []uint16{uint16(i)}, pos)
}

// hotRow returns the address of the hot words of group 0, and the bytes of a group.
func (t *groupTable) hotRow() (unsafe.Pointer, uintptr) {
	return unsafe.Pointer(unsafe.SliceData(t.hot.v)), uintptr(t.a.words * 8)
}
