package server_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/server"
)

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// FuzzMessages sends bytes to a server, at the start of a connection and within a session. The server may
// answer what it likes, but has to close the connection and to serve the next client.
func FuzzMessages(f *testing.F) {
	addSeeds(f)
	db, err := lamina.Open("", nil)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := db.Exec(context.Background(), "create table t (a int primary key, b text)"); err != nil {
		f.Fatal(err)
	}
	srv := server.New(db.Engine(), server.Options{})
	ln := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	f.Cleanup(func() {
		_ = srv.Close() // the engine has to be closed all the same
		<-served
		_ = db.Close()
	})
	f.Fuzz(func(t *testing.T, session bool, input []byte) {
		client, other := net.Pipe()
		_ = client.SetDeadline(time.Now().Add(patience))
		ln.conns <- other
		answered := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, client)
			answered <- err
		}()
		if session {
			input = append(greeting(t), input...)
		}
		// The server may close before it has read everything. What ends a message is at the end.
		_, _ = client.Write(append(input[:len(input):len(input)], "X\x00\x00\x00\x04"...))
		_ = client.Close()
		<-answered
		next, other := net.Pipe()
		ln.conns <- other
		c := &pipeClient{t, next, pgproto3.NewFrontend(next, next)}
		c.ask()
	})
}

// pipeClient is a client on a pipe.
type pipeClient struct {
	t  *testing.T
	nc net.Conn
	fe *pgproto3.Frontend
}

// ask runs a query in a session of its own.
func (c *pipeClient) ask() {
	defer c.nc.Close() //nolint:errcheck // the answer is all that counts
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	if _, err := c.nc.Write(greeting(c.t)); err != nil {
		c.t.Fatal(err)
	}
	for ready := 0; ready < 2; {
		m, err := c.fe.Receive()
		if err != nil {
			c.t.Fatalf("the next client: %v", err)
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			if ready++; ready == 1 {
				c.fe.Send(&pgproto3.Query{String: "select 1"})
				if err := c.fe.Flush(); err != nil {
					c.t.Fatal(err)
				}
			}
		}
	}
}

// greeting is a start-up message of a session whose statements and waits are short.
func greeting(t *testing.T) []byte {
	m := &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{
		"user": "u", "statement_timeout": "100ms", "lock_timeout": "10ms", "query_memory": "1MB",
	}}
	b, err := m.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// addSeeds adds the messages of the wire tests.
func addSeeds(f *testing.F) {
	f.Add(false, []byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f})
	f.Add(false, []byte("GET / HTTP/1.1\r\n\r\n"))
	files, err := filepath.Glob("testdata/wire/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no wire tests: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var all []byte
		for _, line := range strings.Split(string(text), "\n") {
			if m, err := parseMessage(line); err == nil {
				if all, err = m.Encode(all); err != nil {
					f.Fatal(err)
				}
			}
			if line == "" && len(all) > 0 {
				f.Add(true, all)
				all = nil
			}
		}
	}
}
