package store

import (
	"context"
	"errors"
	"strings"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
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
	n     int        // rows
	width int        // columns
	data  types.Row  // of all rows, one after the other
	bytes int64
}

// Bounds of what is remembered of one table in a commit: beyond them the whole table counts as changed.
const (
	imageRowsMax  = 1 << 14
	imageBytesMax = 4 << 20
	imageRowsFew  = 64 // that room is made for at once
)

// Memory that a commit takes in any case, that a table of it does, and that a string does besides its bytes.
const (
	imagesBytes      = 192
	tableImagesBytes = 288
	stringBytes      = 8
)

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

// copyRows copies the rows of a table, unless they are too many.
func (c *commit) copyRows(x *tableImages, tt *txTable, now *view) bool {
	ts, w := c.tx.committed(now.State, tt.w.def), tt.w
	if len(w.parts) > 0 || w.rows > imageRowsMax || len(w.ended) > imageRowsMax || ts == nil || !sameLayout(ts.Def(), w.def) {
		return false
	}
	if w.truncated != 0 && !noRows(ts) {
		return false
	}
	cols := allColumns(w.def)
	x.width, x.bytes = len(cols), tableImagesBytes
	x.data = make(types.Row, 0, min(int(w.rows)+len(w.ended), imageRowsFew)*len(cols))
	for i := 0; i < len(w.ended) && !invariants.Mutant("store-ignore-before-images"); i++ {
		if x.data = ts.AppendRow(x.data, w.ended[i].ref, cols); !x.own() {
			return false
		}
	}
	for _, ch := range w.chunks {
		for i := range ch.rows.Len() {
			if ch.end[i].Load() != 0 {
				continue
			}
			if x.data = ch.appendRow(x.data, i, cols); !x.own() {
				return false
			}
		}
	}
	return true
}

// emptyMorselsMax bounds how far one looks for a row.
const emptyMorselsMax = 64

// noRows reports whether a table has no rows, as far as a short look tells: then TRUNCATE, which keeps others away until its
// commit, changes nothing that anybody could have read.
func noRows(ts table.TableSnapshot) bool {
	s, err := ts.Scan(&table.ScanSpec{Refs: true})
	if err != nil {
		return false
	}
	defer func() { _ = s.Close() }() // it was only read
	for range emptyMorselsMax {
		m, err := s.NextMorsel(context.Background())
		if err != nil {
			return isEOF(err)
		}
		if readRows(context.Background(), m, func(*rowCheck) error { return errRowFound }) != nil {
			return false
		}
	}
	return false
}

// errRowFound ends a look for any row.
var errRowFound = errors.New("there is a row")

// own makes the newest row independent of where it was read; false if the rows are too much.
func (x *tableImages) own() bool {
	row := x.data[len(x.data)-x.width:]
	x.n++
	x.bytes += int64(x.width * datumBytes)
	for i := range row {
		if s := row[i].S; s != "" {
			row[i].S = strings.Clone(s)
			x.bytes += int64(len(s) + stringBytes)
		}
	}
	if pk := x.def.PrimaryKey(); pk != nil {
		from := len(x.keys.Data)
		x.keys.Data, _ = index.AppendRow(x.keys.Data, row, pk)
		x.keys.Ends = append(x.keys.Ends, uint32(len(x.keys.Data)))
		x.bytes += int64(2 * (len(x.keys.Data) - from + 4))
	}
	return x.bytes <= imageBytesMax
}

// touches reports whether the commit changed what was read, at an LSN before it.
func (x *tableImages) touches(r *reads) bool {
	switch {
	case x.all:
		return !r.empty()
	case r.all:
		return x.n > 0
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
	for i := range x.n {
		row, ok := x.data[i*x.width:(i+1)*x.width], true
		for j := 0; ok && j < len(where); j++ {
			ok = where[j].Col >= x.width || holds(row[where[j].Col], &where[j])
		}
		if ok {
			return true
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
	return c.Op.Holds(types.Compare(d, c.Value))
}
