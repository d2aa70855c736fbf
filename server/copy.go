package server

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
)

// copyIn takes the input of COPY FROM STDIN.
func (c *conn) copyIn(r *query.Result) error {
	formats := make([]uint16, r.Copy.Columns)
	c.send(&pgproto3.CopyInResponse{ColumnFormatCodes: formats})
	if err := c.flush(); err != nil {
		return &lostError{err}
	}
	// What cancels the statement also wakes a reader that waits for the client.
	in := &copyReader{c: c, canceled: r.Canceled}
	c.deadline = true
	stop := r.AfterCancel(func() { _ = c.nc.SetReadDeadline(time.Now()) })
	err := r.CopyFrom(background(), in)
	stop()
	if in.lost != nil {
		return &lostError{in.lost}
	}
	return err
}

// copyOut sends the rows of COPY TO STDOUT, each as a message of its own.
func (c *conn) copyOut(r *query.Result) error {
	out := r.CopyOut
	c.send(&pgproto3.CopyOutResponse{ColumnFormatCodes: make([]uint16, len(out.Columns))})
	if line := out.AppendHeader(nil); len(line) > 0 {
		c.send(&pgproto3.CopyData{Data: line})
	}
	for {
		b, err := r.Next(background())
		if err == io.EOF {
			c.send(&pgproto3.CopyDone{})
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.N {
			m := out.AppendRow(append(c.row[:0], 'd', 0, 0, 0, 0), b, i)
			if err := c.writeRow(m); err != nil {
				return err
			}
		}
	}
}

// copyReader reads the data of CopyData messages.
type copyReader struct {
	c        *conn
	canceled func() bool
	data     []byte
	end      error
	lost     error // the connection is not to be used any more
}

// Read returns copied data; io.EOF at CopyDone, an error at CopyFail.
func (r *copyReader) Read(p []byte) (int, error) {
	for len(r.data) == 0 {
		if r.end != nil {
			return 0, r.end
		}
		m, err := r.c.be.Receive()
		if err != nil {
			r.failed(err)
			continue
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			r.data = m.Data // valid until the next Receive
		case *pgproto3.CopyDone:
			r.end = io.EOF
		case *pgproto3.CopyFail:
			r.end = sqlerr.Newf(sqlerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
		case *pgproto3.Flush, *pgproto3.Sync:
		default:
			r.end = sqlerr.Newf(sqlerr.ProtocolViolation, "unexpected message %T during COPY from stdin", m)
			r.lost = r.c.farewell(r.end)
		}
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// failed notes why there are no messages: the statement was canceled, or the connection ends.
func (r *copyReader) failed(err error) {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		r.end = err
		r.lost = r.c.left(err)
	case !r.canceled(): // it was meant for an earlier statement
		_ = r.c.nc.SetReadDeadline(time.Time{})
		if r.canceled() { // since then: its deadline may be the one just removed
			r.end = err
		}
	default:
		r.end = err // CopyFrom knows the reason
	}
}
