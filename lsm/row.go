package lsm

import (
	"encoding/binary"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// version is one version of a row, as it stands in a value. Once made it does not change.
type version struct {
	inc, ref uint64
	// written is the LSN that wrote it, born that since which the row has had its key, changed by updates alone.
	written, born table.LSN
	key           []byte
	row           []byte // the columns
}

const (
	rowVersion = 1
	// rowHead is what precedes the columns: version, reference, both LSNs.
	rowHead = 1 + 3*8
)

func appendRowHead(dst []byte, v *version) []byte {
	dst = le.AppendUint64(append(dst, rowVersion), v.ref)
	return le.AppendUint64(le.AppendUint64(dst, uint64(v.written)), uint64(v.born))
}

// parseRow reads a value. Key and columns alias it.
func parseRow(inc uint64, key, value []byte) (v version, err error) {
	if len(value) < rowHead || value[0] != rowVersion {
		return v, corruptedf("a row of the LSM tree is %d bytes of version %d", len(value), first(value))
	}
	return version{
		inc: inc, ref: le.Uint64(value[1:]), written: table.LSN(le.Uint64(value[9:])), born: table.LSN(le.Uint64(value[17:])),
		key: key, row: value[rowHead:],
	}, nil
}

// appendRow appends the columns of live row i of a batch: a bitmap of the NULLs, then the values of the others.
func appendRow(dst []byte, b *vec.Batch, i int) []byte {
	n := b.NumCols()
	at := len(dst)
	dst = append(dst, make([]byte, (n+7)/8)...)
	c := 0
	for g := range b.Groups {
		cols, sel := b.Groups[g].Cols, b.Groups[g].Sel
		e := i
		if sel != nil {
			e = int(sel[i])
		}
		for k := range cols {
			v := &cols[k]
			switch {
			case v.Form != vec.Flat && v.Form != vec.Str:
				d := b.BatchDatum(c, i)
				if d.Valid {
					dst = appendDatum(dst, &d)
				} else {
					dst[at+c/8] |= 1 << (c % 8)
				}
			case v.IsNull(e):
				dst[at+c/8] |= 1 << (c % 8)
			default:
				dst = appendEntry(dst, v, e)
			}
			c++
		}
	}
	return dst
}

// appendEntry appends entry e of a Flat or Str vector, which is not NULL, without making a datum where that is easy.
func appendEntry(dst []byte, v *vec.Vector, e int) []byte {
	switch class := v.Type.Class(); {
	case class == types.ClassInt:
		return binary.AppendVarint(dst, v.Int(e))
	case class == types.ClassString:
		text := v.Bytes(e)
		return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	case class == types.ClassNumeric && !v.VarNumeric && v.Width == 8:
		dst = binary.AppendVarint(append(dst, byte(types.NumInt64)), int64(v.Scale))
		return binary.AppendVarint(dst, v.Int(e))
	}
	d := v.Datum(e)
	return appendDatum(dst, &d)
}

func appendDatum(dst []byte, d *types.Datum) []byte {
	switch d.K.Class() {
	case types.ClassInt:
		return binary.AppendVarint(dst, d.I)
	case types.ClassFloat:
		return le.AppendUint64(dst, uint64(d.I))
	case types.ClassNumeric:
		return appendNumeric(dst, d)
	case types.ClassInterval:
		return le.AppendUint64(le.AppendUint64(dst, uint64(d.H)), uint64(d.I))
	}
	return append(binary.AppendUvarint(dst, uint64(len(d.S))), d.S...)
}

// appendNumeric appends form, scale and coefficient.
func appendNumeric(dst []byte, d *types.Datum) []byte {
	dst = binary.AppendVarint(append(dst, byte(d.Form)), int64(d.Scale))
	switch d.Form {
	case types.NumInt64, types.NumInf:
		return binary.AppendVarint(dst, d.I)
	case types.NumInt128:
		return le.AppendUint64(le.AppendUint64(dst, uint64(d.H)), uint64(d.I))
	case types.NumBig:
		return append(binary.AppendUvarint(dst, uint64(len(d.S))), d.S...)
	}
	return dst
}
