package vec

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/laminadb/lamina/types"
)

// Reencode returns a batch with the live rows of b in randomly chosen forms: Flat of any width that
// fits, Const, Dict and Str. Live rows may move apart, and what lies in NULL and unselected slots
// is poison: values that overflow or divide by zero, so that a kernel that touches them is found
// out. Codes in such slots stay inside their dictionary, and string views inside their blocks.
// Booleans keep one byte under base 0. InRows columns are shared with b. The result is Go memory.
func Reencode(rng *rand.Rand, b *Batch) *Batch {
	out := &Batch{N: b.N, Groups: make([]Group, len(b.Groups))}
	for i := range b.Groups {
		g := &b.Groups[i]
		o := &out.Groups[i]
		o.RowIDs = g.RowIDs
		if g.RowIDs != nil { // its columns are rows and constants, without positions
			o.Sel, o.Cols = g.Sel, slices.Clone(g.Cols)
			continue
		}
		var n int
		o.Sel, n = spread(rng, g.Sel, b.N)
		o.Cols = make([]Vector, len(g.Cols))
		for c := range g.Cols {
			if g.Cols[c].Form == InRows {
				o.Cols[c] = g.Cols[c]
				continue
			}
			o.Cols[c] = reencodeColumn(rng, &g.Cols[c], g, o.Sel, b.N, n)
		}
	}
	return out
}

// spread chooses positions for n live rows: all of n, or a selection of more. The order of a
// selection that is not ascending is kept, as a permutation.
func spread(rng *rand.Rand, sel []uint16, n int) ([]uint16, int) {
	room := max(n, 1)
	if extra := Size - n; extra > 0 {
		room = n + 1 + rng.IntN(min(extra, n+8))
	}
	ascending := slices.IsSorted(sel)
	if ascending && (room == n || rng.IntN(3) == 0) {
		return nil, n
	}
	out := make([]uint16, 0, n)
	left := n
	for p := 0; left > 0; p++ {
		if rng.IntN(room-p) < left {
			out = append(out, uint16(p))
			left--
		}
	}
	if !ascending {
		rng.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out, room
}

// reencoder makes one column.
type reencoder struct {
	rng  *rand.Rand
	typ  types.Type
	vals []types.Datum // by position; NULL and unselected ones are invalid
	null []bool        // live and NULL
	live []bool
	any  bool // any NULL

	distinct []types.Datum // live non-NULL values
	min, max int64         // of the integers or coefficients in distinct
	scale    int16
	fixed    bool // numerics of one scale, within 128 bits
	narrow   bool // integers, or numerics within 64 bits
}

func reencodeColumn(rng *rand.Rand, v *Vector, g *Group, sel []uint16, live, n int) Vector {
	r := &reencoder{rng: rng, typ: v.Type, vals: make([]types.Datum, n), null: make([]bool, n), live: make([]bool, n)}
	for i := range live {
		p := i
		if sel != nil {
			p = int(sel[i])
		}
		d := v.Datum(g.Pos(i))
		r.vals[p], r.live[p] = d, true
		if d.IsNull() {
			r.null[p], r.any = true, true
		}
	}
	r.survey()
	out := r.encode()
	if !out.VarNumeric && out.Scale == v.Scale && (out.Form != Dict || v.Form == Dict) {
		out.Fact = v.Fact
	}
	return out
}

// survey learns what the values have in common.
func (r *reencoder) survey() {
	r.min, r.max, r.fixed = math.MaxInt64, math.MinInt64, true
	class := r.typ.Class()
	r.narrow = class == types.ClassInt || class == types.ClassNumeric
	seen := map[types.Datum]bool{}
	for p, d := range r.vals {
		if !r.live[p] || d.IsNull() {
			continue
		}
		if class == types.ClassNumeric {
			if len(seen) == 0 {
				r.scale = d.Scale
			}
			r.fixed = r.fixed && d.Scale == r.scale && d.Form <= types.NumInt128
			r.narrow = r.narrow && r.fixed && d.Form == types.NumInt64
		}
		r.min, r.max = min(r.min, d.I), max(r.max, d.I)
		if !seen[d] {
			seen[d] = true
			r.distinct = append(r.distinct, d)
		}
	}
	if len(seen) == 0 {
		r.min, r.max = 0, 0
	}
}

// encode chooses a form.
func (r *reencoder) encode() Vector {
	single := len(r.distinct) == 0 || len(r.distinct) == 1 && !r.any
	switch c := r.rng.IntN(6); {
	case single && c < 3:
		return r.constant()
	case c == 3 && len(r.distinct) > 0 && r.typ.Kind != types.Bool:
		return r.dictionary()
	}
	return r.flat(r.vals, true)
}

// flat lays values out as Flat or Str; validity says whether NULLs get a bitmap.
func (r *reencoder) flat(vals []types.Datum, validity bool) Vector {
	var v Vector
	switch class := r.typ.Class(); {
	case class == types.ClassString, class == types.ClassNone:
		v = r.strings(vals)
	case class == types.ClassNumeric && (!r.fixed || r.rng.IntN(4) == 0):
		v = r.strings(vals)
		v.VarNumeric = true
	default:
		v = r.fixedWidth(vals)
	}
	v.Type, v.N, v.NullBit = r.typ, len(vals), -1
	if validity && r.any {
		v.Valid = make([]uint64, BitmapWords(len(vals)))
		for p := range vals {
			if !r.null[p] && (r.live[p] || r.rng.IntN(2) == 0) {
				v.Valid[p>>6] |= 1 << (p & 63)
			}
		}
	}
	return v
}

func (r *reencoder) constant() Vector {
	var one types.Datum
	if len(r.distinct) == 1 {
		one = r.distinct[0]
	}
	null := len(r.distinct) == 0
	v := r.flat([]types.Datum{one}, false)
	v.Form = Const
	if null {
		v.Valid = []uint64{0}
	}
	return v
}

func (r *reencoder) dictionary() Vector {
	entries := slices.Clone(r.distinct)
	d := &Dictionary{Sorted: r.rng.IntN(2) == 0}
	// Values that are equal but not identical have no order between them.
	slices.SortStableFunc(entries, types.Compare)
	for i := 1; i < len(entries); i++ {
		if types.Compare(entries[i-1], entries[i]) == 0 {
			d.Sorted = false
		}
	}
	if !d.Sorted {
		r.rng.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	}
	codes := make(map[types.Datum]uint32, len(entries))
	for i, e := range entries {
		codes[e] = uint32(i)
	}
	d.Values = r.flat(entries, false)
	width := []int{1, 2, 4}[r.rng.IntN(3)]
	if len(entries) > 256 {
		width = max(width, 2)
	}
	b := newBytes(len(r.vals) * width)
	for p, x := range r.vals {
		code, ok := codes[x]
		if !ok || !r.live[p] {
			code = uint32(r.rng.IntN(len(entries)))
		}
		putUint(b[p*width:], width, uint64(code))
	}
	v := Vector{
		Type: r.typ, Form: Dict, Width: uint8(width), N: len(r.vals), Data: DataOf(b), Dictionary: d,
		Scale: d.Values.Scale, VarNumeric: d.Values.VarNumeric, NullBit: -1,
	}
	if r.any {
		v.Valid = make([]uint64, BitmapWords(len(r.vals)))
		for p := range r.vals {
			if r.live[p] && !r.null[p] {
				v.Valid[p>>6] |= 1 << (p & 63)
			}
		}
	}
	return v
}
