package kernel

import (
	"bytes"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// Runs of strings that are searched as one: at least so many rows, with at most so many bytes between the strings, as a
// multiple of their own.
const (
	runRows = 16
	runGaps = 8
)

// LikeRows are strings for SelectRows: those of the rows in Sel, or of the first N if it is nil. The strings of NULLs
// may be anything.
type LikeRows struct {
	Views  []vec.StrView
	Blocks [][]byte
	Valid  []uint64
	Sel    []uint16
	N      int
}

func (r *LikeRows) row(j int) (i int, null bool) {
	if i = j; r.Sel != nil {
		i = int(r.Sel[j])
	}
	return i, r.Valid != nil && !invariants.Mutant("like-rows-ignore-validity") && r.Valid[i>>6]>>(i&63)&1 == 0
}

// Parts reports whether a match must have some text in its middle: then SelectRows is quick.
func (l *Like) Parts() bool { return len(l.parts) > 0 }

// SelectRows writes the rows whose strings match, or with flip do not, NULL never, and returns their number. Where
// strings follow each other in a block, it searches them all for the first part of the pattern at once.
func (l *Like) SelectRows(r *LikeRows, flip bool, out []uint16) int {
	k := 0
	for j := 0; j < r.N; {
		end, s := r.run(j)
		next := -1 // the place of the first match that is not before the row at hand
		for ; j < end; j++ {
			i, null := r.row(j)
			if null {
				continue
			}
			v := &r.Views[i]
			match := false
			switch {
			case s == nil || v.Len <= vec.InlineMax:
				match = v.Len >= uint32(l.lenMin) && l.Match(v.Bytes(r.Blocks))
			default:
				if next < int(v.Off) {
					next = search(s, int(v.Off), l.parts[0])
				}
				match = next < int(v.Off+v.Len) && l.Match(s[v.Off:v.Off+v.Len])
			}
			out[k] = uint16(i)
			k += oneIf(match != flip)
		}
	}
	return k
}

// run returns the end of the rows from j on whose strings follow each other in one block, and that block up to the end
// of the last of them: nil if searching it does not pay.
func (r *LikeRows) run(j int) (end int, s []byte) {
	from, total := j, 0
	var first, last *vec.StrView
	for ; j < r.N; j++ {
		i, null := r.row(j)
		v := &r.Views[i]
		if null || v.Len <= vec.InlineMax {
			continue
		}
		if first == nil {
			first = v
		} else if v.Block != first.Block || v.Off < last.Off+last.Len {
			break
		}
		total += int(v.Len)
		last = v
	}
	if first == nil || j-from < runRows || int(last.Off+last.Len-first.Off) > runGaps*total {
		return j, nil
	}
	return j, r.Blocks[first.Block][:last.Off+last.Len]
}

// search returns the first place of part in s from at on, or len(s).
func search(s []byte, at int, part []byte) int {
	off := len(part) - 1
	for {
		n, hit := pairBlocks(s[at:], part[0], part[off], off)
		at += n
		switch {
		case hit && bytes.Equal(s[at:at+len(part)], part):
			return at
		case hit:
			at++
		case n == 0:
			if i := bytes.Index(s[at:], part); i >= 0 {
				return at + i
			}
			return len(s)
		}
	}
}
