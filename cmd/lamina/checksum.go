package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// contents says what rows a table has, in whatever order: their number, and the sum of the 128-bit hashes of their values.
type contents struct {
	rows   int64
	hi, lo uint64
}

// checksum returns the sum in hexadecimal digits.
func (c contents) checksum() string { return fmt.Sprintf("%016x%016x", c.hi, c.lo) }

// contentsOf reads all rows of a table that a transaction sees.
func contentsOf(ctx context.Context, tx table.Tx, id table.ObjectID) (c contents, err error) {
	st, err := tx.Statement(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = st.Close(err) }()
	r, err := st.Reader(ctx, id)
	if err != nil {
		return c, err
	}
	h := rowHasher{def: r.Def(), into: &c}
	spec := table.ScanSpec{}
	for i := range h.def.Columns {
		spec.Cols = append(spec.Cols, i)
	}
	s, err := r.Scan(ctx, spec)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		m, err := s.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err == nil {
			err = h.morsel(ctx, m)
		}
		if err != nil {
			return c, err
		}
	}
}

// rowHasher adds rows to contents.
type rowHasher struct {
	def   *table.TableDef
	into  *contents
	batch vec.Batch
	row   types.Row
	buf   []byte
}

func (h *rowHasher) morsel(ctx context.Context, m table.Morsel) error {
	defer m.Close()
	for {
		err := m.Read(ctx, &h.batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range h.batch.N {
			h.row = h.batch.Row(i, h.row[:0])
			h.add()
		}
	}
}

// add adds one row: for each value whether it is NULL, else the length of its text and the text.
func (h *rowHasher) add() {
	h.buf = h.buf[:0]
	for i, d := range h.row {
		if !d.Valid {
			h.buf = append(h.buf, 0)
			continue
		}
		at := len(h.buf)
		h.buf = append(h.buf, 1, 0, 0, 0, 0)
		h.buf = types.AppendText(h.buf, d, h.def.Columns[i].Type, nil)
		binary.LittleEndian.PutUint32(h.buf[at+1:], uint32(len(h.buf)-at-5))
	}
	sum := xxh3.Hash128(h.buf)
	lo := h.into.lo + sum.Lo
	h.into.hi += sum.Hi
	h.into.lo = lo
	h.into.rows++
}
