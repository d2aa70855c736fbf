package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
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
	statementsMax   = 10_000   // prepared statements, and portals
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
	// statements and portals of the extended protocol, by name.
	statements map[string]*statement
	portals    map[string]*portal
	reported   map[string]string // ParameterStatus values that were sent
	row        []byte            // scratch: a DataRow message
	text       *types.TextOptions
	skip       bool // after an error: until Sync
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, nc: nc, secret: newSecret(), w: bufio.NewWriterSize(nc, flushBytes),
		statements: map[string]*statement{}, portals: map[string]*portal{}, reported: map[string]string{}}
	c.be = pgproto3.NewBackend(bufio.NewReaderSize(nc, flushBytes), c.w)
	c.be.SetMaxBodyLen(messageBytesMax)
	return c
}

// stop ends the connection from outside.
func (c *conn) stop() {
	if pid := c.pid.Load(); pid != 0 {
		c.srv.engine.CancelSession(pid)
	}
	_ = c.nc.Close() // the reader sees it
}

// serve runs the connection to its end.
func (c *conn) serve(full bool) {
	defer c.nc.Close() //nolint:errcheck // nothing to be done
	_ = c.nc.SetDeadline(time.Now().Add(startupTimeout))
	ok, err := c.startup(full)
	if err != nil {
		c.send(errorResponse(err, "FATAL"))
		_ = c.flush() // the client may be gone
		return
	}
	if !ok {
		return
	}
	defer c.s.Close() //nolint:errcheck // rolls back what is open
	_ = c.nc.SetDeadline(time.Time{})
	if err := c.loop(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.srv.o.Logger.Debug("connection ended", "pid", c.pid.Load(), "error", err)
	}
}

// startup answers the start-up messages; ok false: the connection was only for a cancel request.
func (c *conn) startup(full bool) (ok bool, err error) {
	for {
		m, err := c.be.ReceiveStartupMessage()
		if err != nil {
			return false, sqlerr.Newf(sqlerr.ProtocolViolation, "start-up message: %w", err)
		}
		switch m := m.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := c.nc.Write([]byte{'N'}); err != nil {
				return false, err
			}
		case *pgproto3.CancelRequest:
			c.srv.cancel(m.ProcessID, m.SecretKey)
			return false, nil
		case *pgproto3.StartupMessage:
			if full {
				return false, sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
			}
			return true, c.welcome(m)
		}
	}
}

// welcome opens the session.
func (c *conn) welcome(m *pgproto3.StartupMessage) error {
	o := query.SessionOptions{Settings: map[string]string{}, Notice: c.notice, Files: c.srv.o.Files}
	for name, value := range m.Parameters {
		switch name {
		case "user":
			o.User = value
		case "database":
			o.Database = value
		case "options":
			if err := commandLineSettings(value, o.Settings); err != nil {
				return err
			}
		case "replication":
			if on := strings.ToLower(value); on != "false" && on != "off" && on != "no" && on != "0" {
				return sqlerr.Unsupported("a replication connection")
			}
		default:
			if !strings.HasPrefix(name, "_pq_.") {
				o.Settings[name] = value
			}
		}
	}
	if o.Database == "" {
		o.Database = o.User
	}
	s, err := c.srv.engine.NewSession(o)
	if err != nil {
		return err
	}
	c.s = s
	c.pid.Store(s.ID())
	if m.ProtocolVersion&0xffff != 0 || hasProtocolOption(m) {
		c.send(negotiate(m))
	}
	c.send(&pgproto3.AuthenticationOk{})
	c.reportSettings()
	c.send(&pgproto3.BackendKeyData{ProcessID: s.ID(), SecretKey: c.secret[:]})
	return c.ready()
}

func hasProtocolOption(m *pgproto3.StartupMessage) bool {
	for name := range m.Parameters {
		if strings.HasPrefix(name, "_pq_.") {
			return true
		}
	}
	return false
}

// negotiate answers a client that asks for a newer minor version or for protocol options: 3.0 without any.
func negotiate(m *pgproto3.StartupMessage) *pgproto3.NegotiateProtocolVersion {
	n := &pgproto3.NegotiateProtocolVersion{}
	for name := range m.Parameters {
		if strings.HasPrefix(name, "_pq_.") {
			n.UnrecognizedOptions = append(n.UnrecognizedOptions, name)
		}
	}
	return n
}

// commandLineSettings reads the start-up parameter "options": -c name=value and --name=value.
func commandLineSettings(options string, into map[string]string) error {
	args := strings.Fields(strings.ReplaceAll(options, `\ `, "\x00"))
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "-c" && i+1 < len(args):
			i++
			a = args[i]
		case strings.HasPrefix(a, "-c"):
			a = a[2:]
		case strings.HasPrefix(a, "--"):
			a = a[2:]
		default:
			return sqlerr.Newf(sqlerr.SyntaxError, "invalid command-line argument for server process: %s", a)
		}
		name, value, ok := strings.Cut(strings.ReplaceAll(a, "\x00", " "), "=")
		if !ok {
			return sqlerr.Newf(sqlerr.SyntaxError, "-c %s requires a value", a)
		}
		into[strings.ReplaceAll(name, "-", "_")] = value
	}
	return nil
}

// reportedSettings are those whose values a client is told, at start and when they change.
var reportedSettings = []string{"application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "integer_datetimes",
	"IntervalStyle", "is_superuser", "search_path", "server_encoding", "server_version", "session_authorization", "standard_conforming_strings", "TimeZone"}

func (c *conn) reportSettings() {
	for _, name := range reportedSettings {
		if v, ok := c.s.Setting(name); ok && (c.reported[name] != v || !has(c.reported, name)) {
			c.reported[name] = v
			c.send(&pgproto3.ParameterStatus{Name: name, Value: v})
		}
	}
}

func has(m map[string]string, k string) bool { _, ok := m[k]; return ok }

func (c *conn) send(m pgproto3.BackendMessage) { c.be.Send(m) }

func (c *conn) flush() error {
	if err := c.be.Flush(); err != nil {
		return err
	}
	return c.w.Flush()
}

// ready says that the next command may come.
func (c *conn) ready() error {
	c.reportSettings()
	c.send(&pgproto3.ReadyForQuery{TxStatus: c.s.Status()})
	return c.flush()
}

// loop answers messages until the client leaves.
func (c *conn) loop() error {
	for {
		m, err := c.be.Receive()
		if err != nil {
			if tooLong, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
				c.send(errorResponse(sqlerr.Newf(sqlerr.ProgramLimitExceeded, "message too long: %w", tooLong), "FATAL"))
				return errors.Join(err, c.flush())
			}
			return err
		}
		if c.skip {
			switch m.(type) {
			case *pgproto3.Sync, *pgproto3.Terminate:
			default:
				continue
			}
		}
		if err := c.handle(m); err != nil {
			return err
		}
	}
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
		c.fail(sqlerr.Unsupported("the function call message"))
		return c.ready()
	}
	c.send(errorResponse(sqlerr.Newf(sqlerr.ProtocolViolation, "unexpected message %T", m), "FATAL"))
	return errors.Join(io.EOF, c.flush())
}

// reply sends the error of an extended-protocol message, after which messages are skipped until Sync.
func (c *conn) reply(err error) error {
	if err == nil {
		return nil
	}
	if lost, ok := errors.AsType[*lostError](err); ok {
		return lost.err
	}
	c.fail(err)
	c.skip = true
	return c.flush()
}

func (c *conn) fail(err error) { c.send(errorResponse(err, "ERROR")) }

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
