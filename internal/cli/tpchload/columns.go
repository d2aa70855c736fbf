package tpchload

import (
	"fmt"

	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Columns shows a generator's batch as vectors. Its vectors share memory with the batch and with
// the Columns, and are valid until the next Set or the next filling of the batch.
type Columns struct {
	types []types.Type
	vecs  []vec.Vector
	rows  int
	bytes int64
	cols  []scratch
}

// scratch is the memory of one column, kept between batches.
type scratch struct {
	biased []uint32
	views  []vec.StrView
	blocks [1][]byte
	dict   *vec.Dictionary
	// words are the strings that dict was made from.
	words []string
}

// NewColumns returns a Columns for batches of a table whose columns have these types, as
// Appender.Columns tells.
func NewColumns(ts []types.Type) *Columns {
	return &Columns{types: ts, vecs: make([]vec.Vector, len(ts)), cols: make([]scratch, len(ts))}
}

// Set takes a batch.
func (c *Columns) Set(b tpch.Batch) error {
	cols := b.Columns()
	if len(cols) != len(c.types) {
		return fmt.Errorf("table %s: %d columns in the data, %d in the database", b.Table(), len(cols), len(c.types))
	}
	c.rows, c.bytes = b.Len(), 0
	for i := range cols {
		v, bytes, err := c.cols[i].vector(&cols[i], c.types[i])
		if err != nil {
			return fmt.Errorf("table %s, column %s: %w", b.Table(), cols[i].Name, err)
		}
		c.vecs[i] = v
		c.bytes += bytes
	}
	return nil
}

// Len returns the number of rows.
func (c *Columns) Len() int { return c.rows }

// Bytes returns the size of the values: 8 or 4 bytes for each number and date, the length of each
// string.
func (c *Columns) Bytes() int64 { return c.bytes }

// Rows returns n rows from row first on, at most vec.Size, as a batch of its own.
func (c *Columns) Rows(first, n int) *vec.Batch {
	cols := make([]vec.Vector, len(c.vecs))
	for i := range c.vecs {
		cols[i] = c.vecs[i].Slice(first, n)
	}
	b := &vec.Batch{}
	b.Single(n, cols, nil)
	return b
}

// vector shows a column, and returns the size of its values.
func (s *scratch) vector(c *tpch.Column, t types.Type) (v vec.Vector, bytes int64, err error) {
	if want := kinds[c.Kind]; t.Kind != want {
		return v, 0, fmt.Errorf("type %s, expected %s", t, types.T(want))
	}
	v.Type = t
	switch c.Kind {
	case tpch.BigInt, tpch.Decimal:
		v.Width, v.N, v.Data = 8, len(c.Int64), vec.DataOf(c.Int64)
		if c.Kind == tpch.Decimal {
			v.Scale = 2
		}
		return v, 8 * int64(v.N), nil
	case tpch.Integer, tpch.Date:
		s.bias(c.Int32)
		v.Width, v.Base, v.N, v.Data = 4, -1<<31, len(s.biased), vec.DataOf(s.biased)
		return v, 4 * int64(v.N), nil
	}
	if c.Codes != nil {
		bytes = s.codes(&v, c.Codes)
	} else if c.Strings != nil {
		bytes = s.strings(&v, c.Strings)
	}
	return v, bytes, nil
}

// kinds are the kinds of columns in the database.
var kinds = map[tpch.Kind]types.Kind{
	tpch.BigInt: types.Int8, tpch.Integer: types.Int4, tpch.Decimal: types.Numeric, tpch.Date: types.Date,
	tpch.Char: types.BpChar, tpch.VarChar: types.Varchar,
}

// bias turns signed into unsigned numbers that have the same order.
func (s *scratch) bias(values []int32) {
	s.biased = s.biased[:0]
	for _, x := range values {
		s.biased = append(s.biased, uint32(x)^1<<31)
	}
}

// codes makes a dictionary vector.
func (s *scratch) codes(v *vec.Vector, c *tpch.Codes) (bytes int64) {
	if s.dict == nil || len(s.words) != len(c.Dict) || &s.words[0] != &c.Dict[0] {
		s.words, s.dict = c.Dict, dictionaryOf(c.Dict, v.Type)
	}
	v.Form, v.Width, v.N, v.Data, v.Dictionary = vec.Dict, 1, len(c.Code), vec.DataOf(c.Code), s.dict
	for _, code := range c.Code {
		bytes += int64(len(c.Dict[code]))
	}
	return bytes
}

func dictionaryOf(words []string, t types.Type) *vec.Dictionary {
	views := make([]vec.StrView, len(words))
	var block []byte
	for i, w := range words {
		views[i] = view([]byte(w), uint32(len(block)))
		block = append(block, w...)
	}
	return &vec.Dictionary{Values: vec.Vector{
		Type: t, Form: vec.Str, Width: 16, N: len(views), Data: vec.DataOf(views), Blocks: [][]byte{block},
	}}
}

// strings makes a vector of views over the batch's own bytes.
func (s *scratch) strings(v *vec.Vector, c *tpch.Strings) (bytes int64) {
	s.views = s.views[:0]
	for i := range c.Len() {
		s.views = append(s.views, view(c.At(i), uint32(c.Offsets[i])))
	}
	s.blocks[0] = c.Data
	v.Form, v.Width, v.N, v.Data, v.Blocks = vec.Str, 16, len(s.views), vec.DataOf(s.views), s.blocks[:]
	return int64(len(c.Data))
}

func view(b []byte, off uint32) vec.StrView {
	if len(b) <= vec.InlineMax {
		return vec.InlineView(b)
	}
	return vec.LongView(b, 0, off)
}
