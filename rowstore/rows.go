package rowstore

import (
	"sync/atomic"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// noRow stands for "no row".
const noRow = ^uint64(0)

// appendKey appends the encoded key of a row.
func (d *data) appendKey(dst []byte, row uint64) []byte {
	c, r := d.of(row)
	if c == nil {
		return dst
	}
	for i, col := range d.identity {
		dst = index.AppendDatum(dst, c.cols[col].datum(r), i == len(d.identity)-1)
	}
	return dst
}

// appendRow appends columns of a row version; NULLs if it was freed.
func (d *data) appendRow(dst types.Row, row uint64, cols []int) types.Row {
	c, r := d.of(row)
	for _, col := range cols {
		if c == nil {
			dst = append(dst, types.NullOf(d.types[col].Kind))
			continue
		}
		dst = append(dst, c.cols[col].datum(r))
	}
	return dst
}

// fetchInto appends columns of a row version to a batch being built.
func (d *data) fetchInto(bb *vec.BatchBuilder, row uint64, cols []int) error {
	c, r := d.of(row)
	if c == nil {
		return sqlerr.Newf(sqlerr.InternalError, "table %s: row %d is gone", d.def.Name, row)
	}
	for i, col := range cols {
		if err := c.cols[col].appendTo(bb.Col(i), r); err != nil {
			return err
		}
	}
	return nil
}

// startAt makes the next append open chunk i.
func (d *data) startAt(i int) {
	cs := *d.chunks.Load()
	for n := len(cs); n <= i; n = len(cs) {
		more := make([]atomic.Pointer[chunk], 2*n)
		for k := range cs {
			more[k].Store(cs[k].Load())
		}
		d.chunks.Store(&more)
		cs = more
	}
	d.used = max(d.used, i)
	d.fresh = true
}
