package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var errNotCoded = sqlerr.New(sqlerr.InternalError, "keys do not fit the coder that was made for them")

// keyDecoder makes vectors of the keys of groups.
type keyDecoder struct {
	arena arena
	ids   []uint32
	cols  []*gatherScratch
	vecs  []vec.Vector
	ptrs  []*vec.Vector
}

func newKeyDecoder(t *mem.Tracker, keys int) (*keyDecoder, error) {
	d := &keyDecoder{arena: arena{tracker: t}, vecs: make([]vec.Vector, keys), ptrs: make([]*vec.Vector, keys)}
	var err error
	if d.ids, err = makeSlice[uint32](&d.arena, batchRows); err != nil {
		d.free()
		return nil, err
	}
	for range keys {
		g, err := newGatherScratch(&d.arena)
		if err != nil {
			d.free()
			return nil, err
		}
		d.cols = append(d.cols, g)
	}
	return d, nil
}

func (d *keyDecoder) free() { d.arena.free() }

// vectors returns the keys of groups, whose words c made, borrowed until the next call.
func (d *keyDecoder) vectors(t *groupTable, c *keyCoder, ids []uint32) []*vec.Vector {
	for j := range d.vecs {
		if c.hashed {
			d.vecs[j] = t.keys.gather(j, ids, d.cols[j])
		} else {
			d.vecs[j] = c.decode(j, t.a.exprs[j].Type(), t.words.v, ids, d.cols[j])
		}
		d.ptrs[j] = &d.vecs[j]
	}
	return d.ptrs
}

// decode returns key column j of groups from their words.
func (c *keyCoder) decode(j int, typ types.Type, words []uint64, ids []uint32, s *gatherScratch) vec.Vector {
	p := &c.pack.cols[j]
	n := len(ids)
	v := vec.Vector{Type: typ, Width: 8, N: n, Scale: p.scale, Data: vec.DataOf(s.ints), NullBit: -1}
	mask := ^uint64(0)
	if p.bits < 64 {
		mask = 1<<p.bits - 1
	}
	shift, lo := p.shift&63, uint64(p.lo)
	if p.nullable {
		lo--
	}
	if p.whole && !invariants.Mutant("group-key-base") { // the values themselves
		lo = 0
	}
	for i, id := range ids {
		s.ints[i] = int64(words[id]>>shift&mask + lo)
	}
	if p.bits == 0 { // one value, or none
		for i := range ids {
			s.ints[i] = p.lo
		}
	}
	if p.nullable {
		c.decodeNulls(p, mask, words, ids, s, &v)
	}
	switch c.kinds[j] {
	case keyShort:
		shortViews(s, n, c.lens[j], &v)
	case keyNumber:
		views := unsafe.Slice((*vec.StrView)(unsafe.Pointer(unsafe.SliceData(s.wide))), n)
		v.Blocks = c.numbers[j].strings(views, s.ints[:n])
		v.Form, v.Width, v.Data = vec.Str, 16, vec.DataOf(s.wide)
	}
	return v
}

func (c *keyCoder) decodeNulls(p *packCol, mask uint64, words []uint64, ids []uint32, s *gatherScratch, v *vec.Vector) {
	valid := s.valid[:vec.BitmapWords(len(ids))]
	clear(valid)
	nulls := false
	for i, id := range ids {
		if p.bits == 0 || words[id]>>(p.shift&63)&mask == 0 {
			nulls = true
			s.ints[i] = 0
			continue
		}
		valid[i>>6] |= 1 << (i & 63)
	}
	if nulls {
		v.Valid = valid
	}
}

// shortViews turns codes of short strings into views.
func shortViews(s *gatherScratch, n int, length uint, v *vec.Vector) {
	for i, x := range s.ints[:n] {
		var view vec.StrView
		w := (*[2]uint64)(unsafe.Pointer(&view))
		bytes := uint64(x) & (1<<(8*length) - 1)
		w[0] = uint64(x)>>(8*length) | bytes<<32
		w[1] = bytes >> 32
		*(*vec.StrView)(unsafe.Pointer(&s.wide[i])) = view
	}
	v.Form, v.Width, v.Data = vec.Str, 16, vec.DataOf(s.wide)
}

// determinedKeys gathers the determined keys of groups.
type determinedKeys struct {
	cols []*gatherScratch
	vecs []vec.Vector
	ptrs []*vec.Vector
	// The groups that are merged.
	from *groupTable
	ids  []uint32
}

func (d *determinedKeys) alloc(a *arena, keys int) error {
	d.vecs, d.ptrs = make([]vec.Vector, keys), make([]*vec.Vector, keys)
	for i := range keys {
		g, err := newGatherScratch(a)
		if err != nil {
			return err
		}
		d.cols = append(d.cols, g)
		d.ptrs[i] = &d.vecs[i]
	}
	return nil
}

// gather returns the keys of groups, borrowed until the next call.
func (d *determinedKeys) gather(t *groupTable, ids []uint32) []*vec.Vector {
	for i := range d.vecs {
		d.vecs[i] = t.det.gather(i, ids, d.cols[i])
	}
	return d.ptrs
}

// merged returns the keys of the groups that are merged.
func (d *determinedKeys) merged() ([]*vec.Vector, error) { return d.gather(d.from, d.ids), nil }
