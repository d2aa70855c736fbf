package server_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/server"
)

var postgres = flag.String("postgres", "", "address of a PostgreSQL server that the wire tests run on instead")

// patience bounds each wait for an answer: a server that hangs fails the test instead of stopping it.
const patience = 60 * time.Second

// rig is a server on a database in memory.
type rig struct {
	srv     *server.Server
	db      *lamina.DB
	address string
	served  chan error
}

// start serves a new database until the end of the test, unless the test closes it.
func start(t testing.TB, o *server.Options) *rig {
	t.Helper()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o == nil {
		o = &server.Options{}
	}
	r := &rig{srv: server.New(db.Engine(), *o), db: db, address: ln.Addr().String(), served: make(chan error, 1)}
	go func() { r.served <- r.srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = r.srv.Close() // the test may have closed it
		if err := <-r.served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	return r
}

// client is a connection at the level of messages.
type client struct {
	t       testing.TB
	nc      net.Conn
	fe      *pgproto3.Frontend
	address string
	params  map[string]string
	key     pgproto3.BackendKeyData
}

// dial connects without any message.
func dial(t testing.TB, address string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &client{t: t, nc: nc, fe: pgproto3.NewFrontend(nc, nc), address: address, params: map[string]string{}}
}

// connect begins a session; parameters are added to those of a start-up message.
func connect(t testing.TB, address string, parameters map[string]string) *client {
	t.Helper()
	c := dial(t, address)
	if answer := c.startup(parameters); answer != "Ready I" {
		t.Fatalf("start-up: %s", answer)
	}
	return c
}

// startup sends a start-up message and returns the last message of the answer.
func (c *client) startup(parameters map[string]string) string {
	m := &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "postgres"}}
	for k, v := range parameters {
		m.Parameters[k] = v
	}
	c.fe.Send(m)
	c.flush()
	for {
		text := c.next()
		if text == "" || strings.HasPrefix(text, "Ready") || strings.HasPrefix(text, "Error") {
			return text
		}
	}
}

func (c *client) flush() {
	c.t.Helper()
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	if err := c.fe.Flush(); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// next returns the next message as text, "" at the end of the connection.
func (c *client) next() string {
	c.t.Helper()
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	m, err := c.fe.Receive()
	var netErr net.Error
	switch {
	case errors.As(err, &netErr) && netErr.Timeout():
		c.t.Fatalf("no answer in %v", patience)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err != nil && errors.As(err, &netErr):
		return ""
	case err != nil:
		c.t.Fatalf("receiving: %v", err)
	}
	switch m := m.(type) {
	case *pgproto3.ParameterStatus:
		c.params[m.Name] = m.Value
	case *pgproto3.BackendKeyData:
		c.key = pgproto3.BackendKeyData{ProcessID: m.ProcessID, SecretKey: append([]byte(nil), m.SecretKey...)}
	}
	return describe(m)
}

// query sends a Query and returns the answer, a line a message, without the last: ReadyForQuery.
func (c *client) query(sql string) string {
	c.t.Helper()
	c.fe.Send(&pgproto3.Query{String: sql})
	c.flush()
	return c.answer()
}

// answer collects messages up to ReadyForQuery or the end of the connection.
func (c *client) answer() string {
	c.t.Helper()
	var lines []string
	for {
		text := c.next()
		if text == "" {
			return strings.Join(append(lines, "closed"), "\n")
		}
		if strings.HasPrefix(text, "Ready") {
			return strings.Join(lines, "\n")
		}
		lines = append(lines, text)
	}
}

// must is query for statements that succeed; it returns the rows, split by blanks and semicolons.
func (c *client) must(sql string) string {
	c.t.Helper()
	var rows []string
	for _, line := range strings.Split(c.query(sql), "\n") {
		if strings.HasPrefix(line, "Error") || line == "closed" {
			c.t.Fatalf("%s: %s", sql, line)
		}
		if row, ok := strings.CutPrefix(line, "Row "); ok {
			rows = append(rows, row)
		}
	}
	return strings.Join(rows, "; ")
}

// cancel sends a cancel request for the client, on another connection, and waits until the server has read it.
func (c *client) cancel(secret []byte) {
	c.t.Helper()
	other := dial(c.t, c.address)
	other.fe.Send(&pgproto3.CancelRequest{ProcessID: c.key.ProcessID, SecretKey: secret})
	other.flush()
	if text := other.next(); text != "" {
		c.t.Fatalf("a cancel request was answered: %s", text)
	}
}

func (c *client) close() {
	c.fe.Send(&pgproto3.Terminate{})
	_ = c.fe.Flush() // it may be closed
	_ = c.nc.Close()
}

// describe prints a message of the server.
func describe(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.RowDescription:
		out := "Columns"
		for _, f := range m.Fields {
			out += fmt.Sprintf(" %s:%d", f.Name, f.DataTypeOID)
			if f.TypeModifier != -1 {
				out += fmt.Sprintf("(%d)", f.TypeModifier)
			}
			if f.Format != 0 {
				out += "b"
			}
		}
		return out
	case *pgproto3.DataRow:
		out := "Row"
		for _, v := range m.Values {
			out += " " + printValue(v)
		}
		return out
	case *pgproto3.CommandComplete:
		return "Complete " + string(m.CommandTag)
	case *pgproto3.ReadyForQuery:
		return "Ready " + string(rune(m.TxStatus))
	case *pgproto3.ErrorResponse:
		return "Error " + m.Severity + printError(m)
	case *pgproto3.NoticeResponse:
		return "Notice " + m.Severity + printError((*pgproto3.ErrorResponse)(m))
	case *pgproto3.ParameterStatus:
		return "Parameter " + m.Name + "=" + m.Value
	case *pgproto3.ParameterDescription:
		return strings.TrimSpace("Parameters " + strings.Trim(fmt.Sprint(m.ParameterOIDs), "[]"))
	case *pgproto3.CopyInResponse:
		return fmt.Sprintf("CopyIn %d %v", m.OverallFormat, m.ColumnFormatCodes)
	case *pgproto3.NegotiateProtocolVersion:
		sort.Strings(m.UnrecognizedOptions)
		return fmt.Sprintf("Negotiate %d %v", m.NewestMinorProtocol, m.UnrecognizedOptions)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

func printValue(v []byte) string {
	switch {
	case v == nil:
		return `\N`
	case len(v) == 0:
		return "''"
	}
	for _, b := range v {
		if b < ' ' || !utf8.Valid(v) {
			return "x:" + hex.EncodeToString(v)
		}
	}
	return string(v)
}

func printError(m *pgproto3.ErrorResponse) string {
	out := " " + m.Code + " " + m.Message
	if m.Position != 0 {
		out += fmt.Sprintf(" at %d", m.Position)
	}
	for _, f := range [][2]string{
		{"detail", m.Detail}, {"hint", m.Hint}, {"where", m.Where}, {"schema", m.SchemaName}, {"table", m.TableName},
		{"column", m.ColumnName}, {"type", m.DataTypeName}, {"constraint", m.ConstraintName},
	} {
		if f[1] != "" {
			out += fmt.Sprintf(" %s=%q", f[0], f[1])
		}
	}
	return out
}
