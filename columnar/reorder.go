package columnar

import (
	"bytes"
	"slices"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// otherOrder reads the rows of a segment in another order than they have.
type otherOrder struct {
	order []uint32 // positions
	get   *segment.Getter
	bb    *vec.BatchBuilder
	row   types.Row
	all   []uint16
}

// keyedRow is the position of a row and its sort key in a buffer.
type keyedRow struct {
	pos, n uint32
	from   uint64
}

// sort has the cursor read its rows in the order of its sort key: the keys of all of them are kept meanwhile.
func (c *cursor) sort(cols []int) error {
	var keys []byte
	var rows []keyedRow
	for {
		ok, err := c.load()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		for i, pos := range c.pos {
			k := c.key(i)
			rows = append(rows, keyedRow{pos, uint32(len(k)), uint64(len(keys))})
			keys = append(keys, k...)
		}
	}
	key := func(r keyedRow) []byte { return keys[r.from : r.from+uint64(r.n)] }
	slices.SortFunc(rows, func(a, b keyedRow) int { return bytes.Compare(key(a), key(b)) })
	o := &otherOrder{bb: vec.NewBatchBuilder(c.inc.types, vec.Size, nil)}
	for _, r := range rows {
		o.order = append(o.order, r.pos)
	}
	for i := range vec.Size {
		o.all = append(o.all, uint16(i))
	}
	var err error
	o.get, err = c.s.file.Getter(cols)
	c.other = o
	return err
}

// load gives the cursor the next rows.
func (o *otherOrder) load(c *cursor) (bool, error) {
	n := min(len(o.order), vec.Size)
	if n == 0 {
		o.get.Close()
		return false, nil
	}
	o.bb.Reset()
	c.pos = append(c.pos[:0], o.order[:n]...)
	o.order = o.order[n:]
	for _, pos := range c.pos {
		var err error
		if o.row, err = o.get.Row(o.row[:0], int(pos)); err == nil {
			err = o.bb.AppendRow(o.row)
		}
		if err != nil {
			return false, err
		}
	}
	b := o.bb.Batch()
	c.sel = append(c.sel[:0], o.all[:n]...)
	c.batch.Single(n, b.Groups[0].Cols, c.sel)
	c.encode()
	return true, nil
}
