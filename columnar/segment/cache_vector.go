package segment

import (
	"runtime"
	"unsafe"

	"github.com/laminadb/lamina/vec"
)

// blockPieceMax bounds the bytes of strings in one piece, unless one string is longer.
const blockPieceMax = 32 << 10

// vectorParts are the parts of a vector that is to be kept, and memory to make them.
type vectorParts struct {
	parts [][]byte
	views []vec.StrView
	text  []byte
}

// cut makes the parts of a vector: its entries, its validity, and blocks, which its views then count from. ok is false
// for a form that is not kept.
func (p *vectorParts) cut(v *vec.Vector) (ok bool) {
	p.parts = append(p.parts[:0], nil)
	switch {
	case v.Form == vec.Flat || v.Form == vec.Dict:
		p.parts[0] = unsafe.Slice((*byte)(v.Data), v.N*int(v.Width))
		p.addValid(v)
		return true
	case v.Form == vec.Str:
		p.views = append(p.views[:0], v.Views()...)
		p.addValid(v)
		p.cutBlocks(v)
		p.parts[0] = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.views))), v.N*int(unsafe.Sizeof(vec.StrView{})))
		return true
	}
	return false
}

func (p *vectorParts) addValid(v *vec.Vector) {
	if v.Valid == nil {
		return
	}
	words := v.Valid[:vec.BitmapWords(v.N)]
	p.parts = append(p.parts, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words)))
}

// cutBlocks makes parts of the strings that are not in their views.
func (p *vectorParts) cutBlocks(v *vec.Vector) {
	if !p.cutInPlace(v) {
		p.gatherBlocks(v)
	}
}

// cutInPlace cuts the only block of a vector between strings, if these are almost all of it and lie in order, as those of
// a page do.
func (p *vectorParts) cutInPlace(v *vec.Vector) bool {
	if len(v.Blocks) != 1 {
		return false
	}
	text, end := uint64(0), uint64(0)
	for i := range p.views {
		x := &p.views[i]
		if x.Len <= vec.InlineMax || v.IsNull(i) {
			continue
		}
		if uint64(x.Off) < end {
			return false
		}
		text, end = text+uint64(x.Len), uint64(x.Off)+uint64(x.Len)
	}
	if text*8 < uint64(len(v.Blocks[0]))*7 {
		return false
	}
	block, from, to := uint32(0), uint32(0), uint32(0)
	for i := range p.views {
		x := &p.views[i]
		if x.Len <= vec.InlineMax || v.IsNull(i) {
			continue
		}
		switch {
		case to == 0:
			from = x.Off
		case x.Off+x.Len-from > blockPieceMax:
			p.parts = append(p.parts, v.Blocks[0][from:to])
			block, from = block+1, x.Off
		}
		to = x.Off + x.Len
		x.Block, x.Off = block, x.Off-from
	}
	if to > from {
		p.parts = append(p.parts, v.Blocks[0][from:to])
	}
	return true
}

// gatherBlocks gathers the strings that are not in their views, and cuts them between strings.
func (p *vectorParts) gatherBlocks(v *vec.Vector) {
	p.text = p.text[:0]
	block, from := uint32(0), 0
	var ends []int
	for i := range p.views {
		x := &p.views[i]
		if x.Len <= vec.InlineMax || v.IsNull(i) {
			continue
		}
		b := x.Bytes(v.Blocks)
		if len(p.text)-from+len(b) > blockPieceMax && len(p.text) > from {
			ends, from = append(ends, len(p.text)), len(p.text)
			block++
		}
		x.Block, x.Off = block, uint32(len(p.text)-from)
		p.text = append(p.text, b...)
	}
	if len(p.text) > from {
		ends = append(ends, len(p.text))
	}
	from = 0
	for _, end := range ends {
		p.parts = append(p.parts, p.text[from:end])
		from = end
	}
}

// bytesOf returns about how many bytes a vector takes in the cache.
func bytesOf(v *vec.Vector) int {
	n := v.N * int(v.Width)
	for _, b := range v.Blocks {
		n += len(b)
	}
	return n
}

// keepVector puts a vector that was admitted into a slot.
func (c *Cache) keepVector(s *slot, p *vectorParts, v *vec.Vector) {
	if !p.cut(v) {
		return
	}
	c.put(s, p.parts, func(e *entryOf) {
		e.v = *v
		if v.Fact != nil {
			e.fact = *v.Fact
			e.v.Fact = &e.fact
		}
		e.v.Data = unsafe.Pointer(unsafe.SliceData(e.pieces[0].b))
		rest := e.pieces[1:]
		if v.Valid != nil {
			e.v.Valid = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(rest[0].b))), len(rest[0].b)/8)
			rest = rest[1:]
		}
		e.v.Blocks = nil
		for _, b := range rest {
			e.v.Blocks = append(e.v.Blocks, b.b)
		}
	})
}

// references are what a scan has of a cache at present. They go back when it moves on, is closed, or is forgotten.
type references struct {
	cache *Cache
	of    []*entryOf
}

// newReferences returns the references of a scan that is about to be.
func newReferences(sc *Scan, c *Cache) *references {
	r := &references{cache: c}
	runtime.AddCleanup(sc, (*references).release, r)
	return r
}

func (r *references) release() {
	for i, e := range r.of {
		r.cache.release(e)
		r.of[i] = nil
	}
	r.of = r.of[:0]
}
