package store

import (
	"strings"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// images is what a commit changed, for transactions that must know whether they have read it.
type images struct {
	lsn    table.LSN
	tables []*tableImages
	bytes  int64
}

// tableImages is what a commit changed in one table: every row as it was before and as it is after.
type tableImages struct {
	id  table.ObjectID
	lsn table.LSN
	def *table.TableDef
	// all: any row may have changed.
	all   bool
	keys  table.Keys // encoded primary keys; empty if the table has none
	rows  []*vec.Batch
	n     int
	bytes int64
}

// Bounds of what is remembered of one commit: beyond them whole tables count as changed.
const (
	imageRowsMax  = 1 << 14
	imageBytesMax = 1 << 20
)

const imagesBytes = 256 // what a commit takes at least

// collectImages copies what the transaction is about to change, before and after. The rows that it replaces or
// removes are locked, so that they are the newest versions until it commits.
func (c *commit) collectImages() {
	c.images = &images{}
	now := c.tx.s.views.Acquire()
	defer now.Release()
	for _, tt := range c.tx.tables {
		if !tt.wrote() || tt.created {
			continue
		}
		x := &tableImages{id: tt.id, def: tt.w.def}
		if !c.copyRows(x, tt, now) { // too much, or they cannot be read
			x = &tableImages{id: tt.id, all: true}
		}
		c.images.tables = append(c.images.tables, x)
		c.images.bytes += x.bytes
	}
	c.definitionImages()
}

// wideImages stands for what the transaction changed if nobody had asked for it when it was collected.
func (c *commit) wideImages() {
	c.images = &images{}
	for _, tt := range c.tx.tables {
		if tt.wrote() {
			c.images.tables = append(c.images.tables, &tableImages{id: tt.id, all: true})
		}
	}
	c.definitionImages()
}

// definitionImages adds the objects whose definition changed: as a whole.
func (c *commit) definitionImages() {
	for i := range c.schema {
		c.images.tables = append(c.images.tables, &tableImages{id: c.schema[i].ID, all: true})
	}
	c.images.bytes += imagesBytes
}

// imageRows is how many rows are copied between looks at the bounds.
const imageRows = 128

// copyRows copies the rows of a table, unless they are too many.
func (c *commit) copyRows(x *tableImages, tt *txTable, now *view) bool {
	ts, w := now.State.table(c.tx.s, tt.w.def), tt.w
	if w.truncated != 0 || w.rows > imageRowsMax || len(w.ended) > imageRowsMax || ts == nil || !sameLayout(ts.Def(), w.def) {
		return false
	}
	cols, refs := make([]int, len(w.def.Columns)), make([]table.RowRef, 0, min(len(w.ended), imageRows))
	for i := range cols {
		cols[i] = i
	}
	for from := 0; from < len(w.ended) && !invariants.Mutant("store-ignore-before-images"); from += len(refs) {
		refs = refs[:0]
		for _, e := range w.ended[from:min(from+imageRows, len(w.ended))] {
			refs = append(refs, e.ref)
		}
		b := &vec.Batch{}
		if err := ts.Fetch(refs, cols, b); err != nil || !x.add(b) {
			return false
		}
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.Table != tt.id || e.Rows == nil {
			continue
		}
		if batchBytes(e.Rows) > imageBytesMax {
			return false
		}
		if bb, err := vec.Copy(e.Rows, nil); err != nil || !x.add(bb.Batch()) {
			return false
		}
	}
	return true
}

// add takes over rows; false if they are too much.
func (x *tableImages) add(b *vec.Batch) bool {
	x.rows = append(x.rows, b)
	x.n += b.N
	x.bytes += batchBytes(b)
	if pk := x.def.PrimaryKey(); pk != nil {
		var key []byte
		for i := range b.N {
			key, _ = index.AppendBatch(key[:0], b, pk, i)
			x.keys.Append(key)
			x.bytes += int64(len(key) + 4)
		}
	}
	return x.bytes <= imageBytesMax
}

// batchBytes returns the memory of a batch, rows that are not live included.
func batchBytes(b *vec.Batch) (bytes int64) {
	for i := range b.NumCols() {
		v, _ := b.Col(i)
		bytes += int64(v.N * max(int(v.Width), 1))
		for _, block := range v.Blocks {
			bytes += int64(len(block))
		}
	}
	return bytes
}

// touches reports whether the commit changed what was read, at an LSN before it.
func (x *tableImages) touches(r *reads) bool {
	if x.all || r.all {
		return !r.empty()
	}
	if len(r.points) > 0 {
		for i := range x.keys.Len() {
			if at, ok := r.points[string(x.keys.At(i))]; ok && at < x.lsn {
				return true
			}
		}
	}
	for i := range r.scans {
		if s := &r.scans[i]; s.at < x.lsn && x.meets(s.where) {
			return true
		}
	}
	return false
}

// meets reports whether a row meets all conjuncts.
func (x *tableImages) meets(where []table.Conjunct) bool {
	for _, b := range x.rows {
		for i := range b.N {
			ok := true
			for j := 0; ok && j < len(where); j++ {
				ok = where[j].Col >= b.NumCols() || holds(b.BatchDatum(where[j].Col, i), &where[j])
			}
			if ok {
				return true
			}
		}
	}
	return false
}

// holds reports whether a value meets a conjunct, or might.
func holds(d types.Datum, c *table.Conjunct) bool {
	switch c.Op {
	case table.OpIsNull:
		return d.IsNull()
	case table.OpIsNotNull:
		return !d.IsNull()
	case table.OpFilter:
		return true
	}
	if d.IsNull() {
		return false
	}
	if c.Op == table.OpIn {
		for i := range c.Values {
			if v := &c.Values[i]; v.Valid && (v.K.Class() != d.K.Class() || types.Compare(d, *v) == 0) {
				return true
			}
		}
		return false
	}
	switch {
	case !c.Value.Valid:
		return false
	case c.Value.K.Class() != d.K.Class():
		return true // nothing is known of how they compare
	case c.Op == table.OpPrefix:
		return strings.HasPrefix(d.S, c.Value.S)
	}
	return compares(c.Op, types.Compare(d, c.Value))
}

func compares(op table.Op, order int) bool {
	switch op {
	case table.OpEq:
		return order == 0
	case table.OpNe:
		return order != 0
	case table.OpLt:
		return order < 0
	case table.OpLe:
		return order <= 0
	case table.OpGt:
		return order > 0
	case table.OpGe:
		return order >= 0
	}
	return true
}
