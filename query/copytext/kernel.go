package copytext

import (
	"encoding/binary"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// digits8 reads n decimal digits, 1 to 8; false if other bytes are among them. There must be 8 readable bytes.
func digits8(b []byte, n uint32) (int64, bool) {
	const zeros = 0x3030303030303030
	w := binary.LittleEndian.Uint64(b)<<(64-8*n) | zeros>>(8*n)
	d := w ^ zeros
	if (d+0x7676767676767676|d)&0x8080808080808080 != 0 {
		return 0, false
	}
	d = d*10 + d>>8
	return int64(((d&0x000000FF000000FF)*0x000F424000000064 + (d>>16&0x000000FF000000FF)*0x0000271000000001) >> 32), true
}

// digits16 is digits8 for 1 to 16 digits.
func digits16(b []byte, n uint32) (int64, bool) {
	if n <= 8 {
		return digits8(b, n)
	}
	high, ok := digits8(b, n-8)
	low, too := digits8(b[n-8:], 8)
	return high*1e8 + low, ok && too
}

// unsigned takes a leading minus off n bytes.
func unsigned(b []byte, n uint32) (digits []byte, left uint32, neg bool) {
	if b[0] == '-' {
		return b[1:], n - 1, true
	}
	return b, n, false
}

// integers converts fields of an integer type; it returns false at an error.
func (w *worker) integers(col int, list []field) bool {
	c, buf := &w.c.cols[col], w.text
	lo, hi := c.lo, c.hi
	for i, f := range list {
		if f.n-1 < 17 { // neither empty, nor NULL, nor elsewhere
			b, n, neg := unsigned(buf[f.off:], f.n)
			if n-1 < 16 {
				if v, ok := digits16(b, n); ok {
					if neg {
						v = -v
					}
					if v >= lo && v <= hi {
						w.ints[i] = v
						continue
					}
				}
			}
		}
		if !w.otherInt(col, i, f) {
			return false
		}
	}
	return true
}

// decimals converts fields of a numeric(p,s): digits with s of them behind a point are read here.
func (w *worker) decimals(col int, list []field) bool {
	c, buf := &w.c.cols[col], w.text
	scale, power := uint32(c.scale), types.Pow10(c.scale)
	for i, f := range list {
		if f.n-1 < 19 {
			b, n, neg := unsigned(buf[f.off:], f.n)
			whole := n - scale - 1 // wraps if there are too few bytes
			if whole-1 < 16 && scale-1 < 8 && b[whole] == '.' {
				v, ok := digits16(b, whole)
				frac, too := digits8(b[whole+1:], scale)
				if v = v*power + frac; ok && too && v < c.limit && whole+scale <= 18 {
					if neg {
						v = -v
					}
					w.ints[i] = v
					continue
				}
			}
		}
		if !w.otherDecimal(col, i, f) {
			return false
		}
	}
	return true
}

// dates converts dates.
func (w *worker) dates(col int, list []field) bool {
	buf := w.text
	for i, f := range list {
		if f.n == 10 {
			if days, ok := types.ISODate(buf[f.off : f.off+10]); ok {
				w.ints[i] = days
				continue
			}
		}
		if !w.otherInt(col, i, f) {
			return false
		}
	}
	return true
}

// timestamps converts timestamps of either kind.
func (w *worker) timestamps(col int, list []field) bool {
	k, buf := w.c.cols[col].t.Kind, w.text
	for i, f := range list {
		if f.n < 64 {
			if v, ok := types.ISOTimestamp(k, buf[f.off:f.off+f.n], w.o.Parse); ok {
				w.ints[i] = v
				continue
			}
		}
		if !w.otherInt(col, i, f) {
			return false
		}
	}
	return true
}

// others converts fields of an integer or float class that has no kernel.
func (w *worker) others(col int, list []field) bool {
	for i, f := range list {
		if !w.otherInt(col, i, f) {
			return false
		}
	}
	return true
}

// parse is the input function of the column's type.
func (w *worker) parse(col int, f field) (types.Datum, error) {
	return types.ParseBytesWith(w.o.Types[col], w.c.bytesOf(f), w.o.Parse)
}

// otherInt converts a field of another spelling.
func (w *worker) otherInt(col, i int, f field) bool {
	d, ok := w.other(col, i, f)
	w.ints[i] = d.I // of a float its bits
	return ok
}

// other parses a field that may be NULL, which is noted, and for which the zero Datum stands.
func (w *worker) other(col, i int, f field) (d types.Datum, ok bool) {
	if f.n&isNull != 0 {
		w.c.cols[col].setNull(w.at + i)
		return d, true
	}
	d, err := w.parse(col, f)
	return d, err == nil
}

func (w *worker) otherDecimal(col, i int, f field) bool {
	d, ok := w.other(col, i, f)
	if w.ints[i] = 0; !ok || f.n&isNull != 0 {
		return ok
	}
	if d.Form != types.NumInt64 || int(d.Scale) != w.c.cols[col].scale {
		w.general(col) // NaN
		return false
	}
	w.ints[i] = d.I
	return true
}

// strings converts texts, which stay where they are if they fit.
func (w *worker) strings(col int, list []field) bool {
	c, buf := &w.c.cols[col], w.text
	views := c.views()[w.at:]
	for i, f := range list {
		if int64(f.n) > c.length {
			if !w.otherString(col, i, f) {
				return false
			}
			continue
		}
		if c.blanks {
			for f.n > 0 && buf[f.off+f.n-1] == ' ' {
				f.n--
			}
		}
		b := buf[f.off:]
		if f.n <= vec.InlineMax {
			views[i] = vec.InlineView(b[:f.n:f.n])
		} else {
			views[i] = vec.LongView(b[:f.n:f.n], 0, f.off)
		}
	}
	return true
}

// otherString converts a string that is NULL, too long, not where the text is, or no text.
func (w *worker) otherString(col, i int, f field) bool {
	c := &w.c.cols[col]
	if f.n&isNull != 0 {
		c.setNull(w.at + i)
		c.views()[w.at+i] = vec.StrView{}
		return true
	}
	d, err := w.parse(col, f)
	if err != nil {
		return false
	}
	from := len(w.c.scratch)
	w.c.scratch = append(w.c.scratch, d.S...)
	b := w.c.scratch[from:]
	if len(b) <= vec.InlineMax {
		c.views()[w.at+i] = vec.InlineView(b)
	} else {
		c.views()[w.at+i] = vec.LongView(b, 1, uint32(from))
	}
	return true
}

// built converts fields of a type without a fixed layout.
func (w *worker) built(col int, list []field) bool {
	b := w.c.cols[col].b
	for _, f := range list {
		if f.n&isNull != 0 {
			if b.AppendNull() != nil {
				return false
			}
			continue
		}
		d, err := w.parse(col, f)
		if err != nil || b.Append(d) != nil {
			return false
		}
	}
	return true
}
