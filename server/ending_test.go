package server_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/server"
)

// endless is a query that runs for hours.
const endless = "select count(*) from generate_series(1, 10000000) a, generate_series(1, 10000000) b"

// canceled sends the endless query and cancel requests until it ends.
func canceled(t *testing.T, c *client, r *rig, secret []byte) string {
	t.Helper()
	c.fe.Send(&pgproto3.Query{String: endless})
	c.flush()
	done := make(chan string, 1)
	go func() { done <- c.answer() }()
	// A request that comes before the query has begun cancels nothing.
	for {
		c.cancel(secret)
		select {
		case answer := <-done:
			return answer
		case <-time.After(time.Millisecond):
		}
	}
}

func TestCancel(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, nil)
	// It may come while the statement is being planned, before there are columns.
	if got := canceled(t, c, r, c.key.SecretKey); strings.TrimPrefix(got, "Columns count:20\n") != "Error ERROR 57014 canceling statement due to user request" {
		t.Errorf("canceled: %s", got)
	}
	if got := c.must("select 1"); got != "1" {
		t.Errorf("afterwards: %s", got)
	}
	// In a block the transaction fails.
	c.must("begin")
	canceled(t, c, r, c.key.SecretKey)
	if got := c.query("select 1"); !strings.Contains(got, "25P02") {
		t.Errorf("in a block: %s", got)
	}
	c.must("rollback")
	// A wrong key cancels nothing.
	c.fe.Send(&pgproto3.Query{String: "select count(*) from generate_series(1, 3000000)"})
	c.flush()
	c.cancel([]byte{1, 2, 3, 4})
	if got := c.answer(); !strings.Contains(got, "Row 3000000") {
		t.Errorf("a request with a wrong key: %s", got)
	}
}

func TestStatementTimeout(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, map[string]string{"statement_timeout": "20ms"})
	if got := c.query(endless); !strings.Contains(got, "Error ERROR 57014 canceling statement due to statement timeout") {
		t.Errorf("endless query: %s", got)
	}
	c.must("set statement_timeout = 0; create table t (a int primary key)")
	// A COPY that waits for its client, too.
	c.must("set statement_timeout = '20ms'")
	if got := c.query("copy t from stdin"); !strings.Contains(got, "Error ERROR 57014 canceling statement due to statement timeout") {
		t.Errorf("COPY without data: %s", got)
	}
	c.must("set statement_timeout = 0")
}

func TestCancelCopy(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, nil)
	c.must("create table t (a int primary key)")
	c.fe.Send(&pgproto3.Query{String: "copy t from stdin"})
	c.fe.Send(&pgproto3.CopyData{Data: []byte("1\n2\n")})
	c.flush()
	if got := c.next(); !strings.HasPrefix(got, "CopyIn") {
		t.Fatal(got)
	}
	c.cancel(c.key.SecretKey)
	if got := c.answer(); !strings.Contains(got, "Error ERROR 57014 canceling statement due to user request") {
		t.Errorf("COPY canceled: %s", got)
	}
	if got := c.must("select count(*) from t"); got != "0" {
		t.Errorf("rows after a canceled COPY: %s", got)
	}
	// What woke the reader does not disturb the next COPY.
	c.fe.Send(&pgproto3.Query{String: "copy t from stdin"})
	c.fe.Send(&pgproto3.CopyData{Data: []byte("1\n")})
	c.fe.Send(&pgproto3.CopyDone{})
	c.flush()
	if got := c.answer(); !strings.HasSuffix(got, "Complete COPY 1") {
		t.Errorf("the next COPY: %s", got)
	}
}

func TestIdleInTransaction(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, map[string]string{"idle_in_transaction_session_timeout": "50ms"})
	c.must("create table t (a int)")
	c.must("begin; insert into t values (1)")
	if got := c.next(); got != "Error FATAL 25P03 terminating connection due to idle-in-transaction timeout" {
		t.Errorf("idle in a transaction: %q", got)
	}
	if got := connect(t, r.address, nil).must("select count(*) from t"); got != "0" {
		t.Errorf("rows of the ended transaction: %s", got)
	}
}

// TestDisconnect: what a client leaves is rolled back, and its locks are released.
func TestDisconnect(t *testing.T) {
	for _, how := range []string{"terminate", "close", "in a message", "in COPY"} {
		t.Run(how, func(t *testing.T) {
			r := start(t, nil)
			a, b := connect(t, r.address, nil), connect(t, r.address, nil)
			b.must("create table t (a int primary key, b int); insert into t values (1, 1)")
			a.must("begin; update t set b = 2; insert into t values (2, 2); lock table t")
			switch how {
			case "in a message":
				if _, err := a.nc.Write([]byte{'Q', 0, 0, 1, 0, 's', 'e'}); err != nil {
					t.Fatal(err)
				}
			case "in COPY":
				a.fe.Send(&pgproto3.Query{String: "copy t from stdin"})
				a.fe.Send(&pgproto3.CopyData{Data: []byte("3\t3\n")})
				a.flush()
				a.next()
			}
			if how == "terminate" {
				a.close()
			} else {
				_ = a.nc.Close() // the server has to notice
			}
			if got := b.must("update t set b = b + 10 returning b"); got != "11" {
				t.Errorf("the row is %s", got)
			}
			if got := b.must("select count(*) from t"); got != "1" {
				t.Errorf("%s rows", got)
			}
		})
	}
}

// TestShutdown: clients are told, whatever they do, and the server does not wait for those that do not listen.
func TestShutdown(t *testing.T) {
	r := start(t, nil)
	const reason = "Error FATAL 57P01 terminating connection due to administrator command"
	idle, running, copying, waiting := connect(t, r.address, nil), connect(t, r.address, nil), connect(t, r.address, nil), connect(t, r.address, nil)
	starting, deaf := dial(t, r.address), connect(t, r.address, nil)
	idle.must("create table t (a int primary key); insert into t values (1)")
	idle.must("begin; update t set a = 2")
	send := func(c *client, sql string) {
		c.fe.Send(&pgproto3.Query{String: sql})
		c.flush()
	}
	send(running, endless)
	send(copying, "copy t from stdin")
	if got := copying.next(); !strings.HasPrefix(got, "CopyIn") {
		t.Fatal(got)
	}
	send(waiting, "update t set a = 3")
	// A client that does not read what it asked for.
	send(deaf, "select repeat('x', 1000) from generate_series(1, 1000000)")
	if err := r.srv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for name, c := range map[string]*client{"idle": idle, "running": running, "copying": copying, "waiting for a lock": waiting, "starting": starting} {
		if got := c.answer(); strings.TrimPrefix(got, "Columns count:20\n") != reason+"\nclosed" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if err := r.srv.Close(); err == nil {
		t.Error("a second Close succeeds")
	}
	if _, err := net.Dial("tcp", r.address); err == nil {
		t.Error("the address is still served")
	}
	ln, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.srv.Serve(ln); err == nil {
		t.Error("a closed server serves")
	}
	if _, err := r.db.Exec(context.Background(), "select a from t"); err != nil {
		t.Errorf("the database after the server: %v", err)
	}
}

// TestServeAfterListenerFails: the error of a listener ends its Serve, and nothing else.
func TestServeAfterListenerFails(t *testing.T) {
	r := start(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve(failing{ln}) }()
	if err := <-served; !errors.Is(err, errListener) {
		t.Errorf("Serve on a listener that fails: %v", err)
	}
	_ = ln.Close()
	if got := connect(t, r.address, nil).must("select 1"); got != "1" {
		t.Errorf("the other listener: %s", got)
	}
}

var errListener = errors.New("no more connections")

// failing is a listener that accepts nothing.
type failing struct{ net.Listener }

func (failing) Accept() (net.Conn, error) { return nil, errListener }
