package segment

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// gathered is one column of rows of several zones.
type gathered struct {
	v     vec.Vector
	words [][2]uint64 // the entries, aligned
	valid []uint64
	block []byte // of the strings that are not in their views

	from   *vec.Vector // of the zone at hand
	picked bool        // from has nothing but the rows to be read
}

// Sparse reports whether the Selection has so few rows of each zone that Gather is the way to read them.
func (sc *Scan) Sparse() bool {
	return sc.spec.Selection != nil && sc.spec.Selection.list != nil && sc.spec.Rows == nil
}

// Gather makes dst rows to be read of the zone at hand and of those after it, at most limit, which is not above vec.Size:
// they lie side by side, without a selection. pos becomes their positions. If there are none the scan is at its end, or
// at a zone whose rows are more or cannot lie so: Batch has these, and Pass leaves them behind.
func (sc *Scan) Gather(dst *vec.Batch, limit int, pos []uint32) ([]uint32, error) {
	if pos = pos[:0]; sc.rowsOf == nil {
		sc.rowsOf = make([]gathered, len(sc.cols))
	}
	for sc.zone >= 0 && !sc.passed || sc.Next() {
		if len(pos)+sc.n > limit {
			break
		}
		fits, err := sc.load(len(pos))
		if err != nil {
			return pos, err
		}
		if !fits {
			break
		}
		sel := sc.Sel()
		for i := range sc.rowsOf {
			sc.rowsOf[i].add(len(pos), sel, sc.n)
		}
		start := uint32(sc.Pos())
		if sel == nil {
			for k := range sc.rows {
				pos = append(pos, start+uint32(k))
			}
		}
		for _, k := range sel {
			pos = append(pos, start+uint32(k))
		}
		sc.Pass()
	}
	for i := range sc.vecs {
		sc.vecs[i] = sc.rowsOf[i].v
	}
	dst.Single(len(pos), sc.vecs, nil)
	return pos, nil
}

// Pass leaves the rows of the zone at hand behind.
func (sc *Scan) Pass() { sc.passed = true }

// load finds the columns of the zone at hand, and reports whether their rows can lie beside n others.
func (sc *Scan) load(n int) (bool, error) {
	for i := range sc.rowsOf {
		g := &sc.rowsOf[i]
		var err error
		if g.from, g.picked, err = sc.few(i); err != nil {
			return false, err
		}
		if n == 0 && !g.begin() || n > 0 && !g.like() {
			return false, nil
		}
	}
	return true, nil
}

// begin makes g an empty vector of the form of from; false if it cannot be copied entry by entry.
func (g *gathered) begin() bool {
	v := g.from
	if v.Form != vec.Flat && v.Form != vec.Dict && v.Form != vec.Str {
		return false
	}
	g.v = *v
	g.v.N, g.v.Valid, g.v.Blocks, g.v.Data = 0, nil, nil, nil
	g.block = nil // who has the last batch may keep the strings
	return true
}

// like reports whether the entries of from mean what those of g do.
func (g *gathered) like() bool {
	v, w := &g.v, g.from
	return v.Form == w.Form && v.Width == w.Width && v.Base == w.Base && v.Scale == w.Scale &&
		v.VarNumeric == w.VarNumeric && v.Dictionary == w.Dictionary
}

// gatherMin is the room for entries of 16 bytes that a column has at first.
const gatherMin = 32

// room makes sure that n entries have room.
func (g *gathered) room(n int) {
	if need := (n*int(g.v.Width) + 15) / 16; need > len(g.words) {
		words := make([][2]uint64, max(2*need, gatherMin))
		copy(words, g.words)
		g.words = words
	}
	g.v.Data = unsafe.Pointer(&g.words[0])
}

// add appends the entries sel (nil: all) of from, k in number, to the n that are there.
func (g *gathered) add(n int, sel []uint16, k int) {
	if g.picked {
		sel = nil
	}
	v := g.from
	g.room(n + k)
	switch {
	case v.Form == vec.Str:
		g.addViews(n, sel, k)
	case v.Width == 1:
		pick[uint8](g, n, sel, k)
	case v.Width == 2:
		pick[uint16](g, n, sel, k)
	case v.Width == 4:
		pick[uint32](g, n, sel, k)
	case v.Width == 8:
		pick[uint64](g, n, sel, k)
	default:
		pick[[2]uint64](g, n, sel, k)
	}
	g.addValid(n, sel, k)
	g.v.N = n + k
}

func pick[T any](g *gathered, n int, sel []uint16, k int) {
	dst := unsafe.Slice((*T)(g.v.Data), n+k)[n:]
	src := unsafe.Slice((*T)(g.from.Data), g.from.N)
	if sel == nil {
		copy(dst, src)
		return
	}
	for j, i := range sel[:k] {
		dst[j] = src[i]
	}
}

// addViews appends strings; those that are not in their views are copied.
func (g *gathered) addViews(n int, sel []uint16, k int) {
	dst := unsafe.Slice((*vec.StrView)(g.v.Data), n+k)[n:]
	src := g.from.Views()
	for j := range dst {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		if dst[j] = (vec.StrView{}); g.from.IsNull(i) {
			continue
		}
		if dst[j] = src[i]; src[i].Len <= vec.InlineMax {
			continue
		}
		off := uint32(len(g.block))
		g.block = append(g.block, src[i].Bytes(g.from.Blocks)...)
		dst[j].Block, dst[j].Off = 0, off
	}
	if len(g.block) > 0 {
		g.v.Blocks = [][]byte{g.block}
	}
}

// addValid notes which of the entries are NULL.
func (g *gathered) addValid(n int, sel []uint16, k int) {
	if g.from.Valid == nil && g.v.Valid == nil {
		return
	}
	if g.v.Valid == nil {
		if g.valid == nil {
			g.valid = make([]uint64, vec.BitmapWords(vec.Size))
		}
		clear(g.valid)
		setRange(g.valid, 0, n)
		g.v.Valid = g.valid
	}
	if g.from.Valid == nil || invariants.Mutant("gather-ignore-nulls") {
		setRange(g.valid, n, n+k)
		return
	}
	for j := range k {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		g.valid[(n+j)>>6] |= (g.from.Valid[i>>6] >> (i & 63) & 1) << ((n + j) & 63)
	}
}
