package server

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// simple answers a Query message: its statements are one implicit transaction.
func (c *conn) simple(text string) error {
	c.dropPortal("")
	err := c.statementsOf(text)
	if lost, ok := errors.AsType[*lostError](err); ok {
		return lost.err
	}
	if err != nil {
		_ = c.s.Finish(background(), err) // rolls back; err is what the client is told
		if err := c.fail(err); err != nil {
			return err
		}
	}
	return c.ready()
}

func (c *conn) statementsOf(text string) error {
	if p := c.s.PrepareKnown(background(), text); p != nil {
		return c.runSimple(p, true)
	}
	list, err := c.s.Parse(background(), text)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	for i := range list {
		p, err := c.s.PrepareOf(background(), text, list, i)
		if err != nil {
			return err
		}
		if err := c.runSimple(p, i == len(list)-1); err != nil {
			return err
		}
	}
	return nil
}

// runSimple runs a statement of a Query message, and sends what it answers; last is finishResult's.
func (c *conn) runSimple(p *query.Prepared, last bool) error {
	r, err := c.s.Run(background(), p, nil)
	if err != nil {
		return err
	}
	if r.Columns != nil {
		c.send(rowDescription(r.Columns, nil))
	}
	return c.finishResult(r, nil, last)
}

// finishResult sends a result's rows, or takes its COPY input, and its command tag; last ends the implicit
// transaction before the tag, whose arrival means that the work is durable.
func (c *conn) finishResult(r *query.Result, formats []int16, last bool) error {
	if r.Copy != nil {
		if err := c.copyIn(r); err != nil {
			return err
		}
	} else if r.CopyOut != nil && !r.Ended() {
		if err := c.copyOut(r); err != nil {
			return errors.Join(err, r.Close())
		}
	} else if _, _, err := c.rows(r, formats, 0, &cursor{}); err != nil {
		return errors.Join(err, r.Close())
	}
	if last {
		if err := c.s.Finish(background(), nil); err != nil {
			return err
		}
	}
	c.send(&pgproto3.CommandComplete{CommandTag: []byte(r.Tag())})
	return nil
}

// cursor is where the sending of a result stopped, when a client asked for a limited number of rows.
type cursor struct {
	b  *vec.Batch
	at int
}

// rows sends up to limit rows (0: all) and counts them; more says that the limit was reached, as PostgreSQL
// does also when there are no more rows than that.
func (c *conn) rows(r *query.Result, formats []int16, limit int64, cur *cursor) (sent int64, more bool, err error) {
	c.text = c.s.TextOptions()
	if err := r.Err(); err != nil { // what is left of a batch is not to be read any more
		return 0, false, err
	}
	for {
		if cur.b == nil || cur.at >= cur.b.N {
			cur.b, err = r.Next(background())
			cur.at = 0
			if err == io.EOF {
				return sent, false, nil
			}
			if err != nil {
				return sent, false, err
			}
		}
		for ; cur.at < cur.b.N; cur.at++ {
			if err := c.dataRow(r.Columns, cur.b, cur.at, formats); err != nil {
				return sent, false, err
			}
			if sent++; sent == limit {
				cur.at++
				return sent, true, nil
			}
		}
	}
}

// dataRow appends a DataRow message to the output.
func (c *conn) dataRow(cols []plan.OutColumn, b *vec.Batch, i int, formats []int16) error {
	m := append(c.row[:0], 'D', 0, 0, 0, 0)
	m = binary.BigEndian.AppendUint16(m, uint16(len(cols)))
	for k := range cols {
		d := b.BatchDatum(k, i)
		if !d.Valid {
			m = binary.BigEndian.AppendUint32(m, 0xffffffff)
			continue
		}
		at := len(m)
		m = append(m, 0, 0, 0, 0)
		if formatOf(formats, k) == 1 {
			var err error
			if m, err = appendBinary(m, d, cols[k].Type); err != nil {
				return err
			}
		} else {
			m = types.AppendText(m, d, cols[k].Type, c.text)
		}
		binary.BigEndian.PutUint32(m[at:], uint32(len(m)-at-4))
	}
	return c.writeRow(m)
}

// writeRow appends a message to the output, whose length is not set yet.
func (c *conn) writeRow(m []byte) error {
	if len(m) > 1<<30 {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "a row is larger than 1 GiB")
	}
	binary.BigEndian.PutUint32(m[1:], uint32(len(m)-1))
	c.row = m
	// Messages that were handed to the protocol library go first.
	if err := c.be.Flush(); err != nil {
		return &lostError{err}
	}
	if _, err := c.w.Write(m); err != nil {
		return &lostError{err}
	}
	return nil
}

func formatOf(formats []int16, i int) int16 {
	switch len(formats) {
	case 0:
		return 0
	case 1:
		return formats[0]
	}
	if i < len(formats) {
		return formats[i]
	}
	return 0
}

func rowDescription(cols []plan.OutColumn, formats []int16) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(cols))}
	for i, c := range cols {
		t := c.Type
		if t.Kind == types.Unknown {
			t = types.T(types.Text)
		}
		d.Fields[i] = pgproto3.FieldDescription{
			Name: []byte(c.Name), TableOID: uint32(c.Table), TableAttributeNumber: uint16(c.Attribute),
			DataTypeOID: t.OID(), DataTypeSize: int16(t.Size()), TypeModifier: t.Mod, Format: formatOf(formats, i),
		}
	}
	return d
}
