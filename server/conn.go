package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Limits of a connection.
const (
	messageBytesMax = 64 << 20 // a message from the client
	flushBytes      = 64 << 10 // of answers, before they are sent
	portalsMax      = 10_000
	farewellTimeout = 5 * time.Second // for the last message, and what is before it
)

// conn is one client.
type conn struct {
	srv    *Server
	nc     net.Conn
	be     *pgproto3.Backend
	w      *bufio.Writer
	pid    atomic.Uint32
	secret [4]byte
	s      *query.Session
	// ending is set once the connection is to end: what the client is told.
	ending   atomic.Pointer[sqlerr.Error]
	unnamed  *query.Prepared    // the statement without a name; the session keeps those with one
	portals  map[string]*portal // of the extended protocol, by name
	reported map[string]string  // ParameterStatus values that were sent
	row      []byte             // scratch: a DataRow message
	text     *types.TextOptions
	skip     bool // after an error: until Sync
	deadline bool // a read deadline is set
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, nc: nc, secret: newSecret(), w: bufio.NewWriterSize(nc, flushBytes),
		portals: map[string]*portal{}, reported: map[string]string{}}
	c.be = pgproto3.NewBackend(bufio.NewReaderSize(nc, flushBytes), c.w)
	c.be.SetMaxBodyLen(messageBytesMax)
	return c
}

// end ends the connection from outside: what it runs fails with the reason, which the client is told before
// the connection closes. A client that does not read is not waited for.
func (c *conn) end(reason *sqlerr.Error) {
	c.ending.Store(reason)
	if pid := c.pid.Load(); pid != 0 {
		c.srv.engine.EndSession(pid, reason)
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(farewellTimeout)) // the connection may have gone
	_ = c.nc.SetReadDeadline(time.Now())
}

// serve runs the connection to its end.
func (c *conn) serve(full bool) {
	defer c.nc.Close() //nolint:errcheck // nothing to be done
	_ = c.nc.SetDeadline(time.Now().Add(startupTimeout))
	ok, err := c.startup(full)
	if c.s != nil {
		defer c.s.Close() //nolint:errcheck // rolls back what is open
	}
	if err != nil {
		if e := c.ending.Load(); e != nil {
			err = e
		}
		_ = c.farewell(err)
		return
	}
	if !ok {
		return
	}
	_ = c.nc.SetDeadline(time.Time{})
	if err := c.loop(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.srv.o.Logger.Debug("connection ended", "pid", c.pid.Load(), "error", err)
	}
}

// farewell tells the client why the connection ends.
func (c *conn) farewell(err error) error {
	c.send(errorResponse(err, "FATAL"))
	return errors.Join(err, c.flush()) // the client may be gone
}

func (c *conn) send(m pgproto3.BackendMessage) { c.be.Send(m) }

func (c *conn) flush() error {
	if err := c.be.Flush(); err != nil {
		return err
	}
	return c.w.Flush()
}

// ready says that the next command may come.
func (c *conn) ready() error {
	for name, p := range c.portals {
		if c.s.Status() == 'I' || p.tx != c.s.Ended() {
			c.dropPortal(name)
		}
	}
	c.reportSettings()
	c.send(&pgproto3.ReadyForQuery{TxStatus: c.s.Status()})
	return c.flush()
}

// loop answers messages until the client leaves.
func (c *conn) loop() error {
	for {
		m, err := c.receive()
		if err != nil {
			return c.left(err)
		}
		if c.skip {
			switch m.(type) {
			case *pgproto3.Sync, *pgproto3.Terminate:
			default:
				continue
			}
		}
		if err := c.handle(m); err != nil {
			if e := c.ending.Load(); e != nil {
				return c.farewell(e)
			}
			return err
		}
	}
}

var errIdle = sqlerr.New(sqlerr.IdleInTransactionTimeout, "terminating connection due to idle-in-transaction timeout")

// receive waits for a message: inside a transaction for a limited time, if the session says so.
func (c *conn) receive() (pgproto3.FrontendMessage, error) {
	idle := c.s.IdleTimeout()
	var until time.Time
	if idle > 0 {
		until = time.Now().Add(idle)
	}
	for {
		if idle > 0 || c.deadline {
			_ = c.nc.SetReadDeadline(until) // the read sees it
			c.deadline = idle > 0
		}
		// After the deadline is set: whoever ends the connection stores the reason first.
		if c.ending.Load() != nil {
			return nil, os.ErrDeadlineExceeded
		}
		m, err := c.be.Receive()
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || c.ending.Load() != nil {
			return m, err
		}
		if idle > 0 && !time.Now().Before(until) {
			return nil, errIdle
		}
		c.deadline = true // it was meant for the COPY that has just ended
	}
}

// left explains the end of the client's messages to it, unless it left by itself.
func (c *conn) left(err error) error {
	if e := c.ending.Load(); e != nil {
		return c.farewell(e)
	}
	if tooLong, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		return c.farewell(sqlerr.Newf(sqlerr.ProgramLimitExceeded, "message too long: %w", tooLong))
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return c.farewell(sqlerr.Wrap(sqlerr.ProtocolViolation, err))
}

func (c *conn) handle(m pgproto3.FrontendMessage) error {
	switch m := m.(type) {
	case *pgproto3.Query:
		return c.simple(m.String)
	case *pgproto3.Parse:
		return c.reply(c.parse(m))
	case *pgproto3.Bind:
		return c.reply(c.bind(m))
	case *pgproto3.Describe:
		return c.reply(c.describe(m))
	case *pgproto3.Execute:
		return c.reply(c.execute(m))
	case *pgproto3.Close:
		return c.reply(c.close(m))
	case *pgproto3.Flush:
		return c.flush()
	case *pgproto3.Sync:
		return c.sync()
	case *pgproto3.Terminate:
		return io.EOF
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // what a client still sends after a COPY that failed
	case *pgproto3.FunctionCall:
		if err := c.fail(sqlerr.Unsupported("the function call message")); err != nil {
			return err
		}
		return c.ready()
	}
	return c.farewell(sqlerr.Newf(sqlerr.ProtocolViolation, "unexpected message %T", m))
}

// reply sends the error of an extended-protocol message, after which messages are skipped until Sync.
func (c *conn) reply(err error) error {
	if err == nil {
		return nil
	}
	if lost, ok := errors.AsType[*lostError](err); ok {
		return lost.err
	}
	c.skip = true
	return errors.Join(c.fail(err), c.flush())
}

// fail sends the error of a message. If it is that of a connection that is ending, fail returns it.
func (c *conn) fail(err error) error {
	if e := c.ending.Load(); e != nil {
		return e
	}
	c.send(errorResponse(err, "ERROR"))
	return nil
}

func (c *conn) notice(n query.Notice) {
	e := errorResponse(n.Err, n.Severity)
	c.send((*pgproto3.NoticeResponse)(e))
}

// lostError is an error of the connection itself.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

func errorResponse(err error, severity string) *pgproto3.ErrorResponse {
	e := sqlerr.From(err)
	return &pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: string(e.Code), Message: e.Message, Detail: e.Detail,
		Hint: e.Hint, Position: int32(e.Position), Where: e.Context, SchemaName: e.Schema, TableName: e.Table,
		ColumnName: e.Column, DataTypeName: e.DataType, ConstraintName: e.Constraint,
	}
}
