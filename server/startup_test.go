package server_test

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/server"
	"github.com/laminadb/lamina/sqlerr"
)

func TestStartup(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, map[string]string{
		"user": "ann", "database": "d", "application_name": "test", "DateStyle": "German", "options": `-c search_path=a\ b --statement_timeout=5s`,
	})
	if got := c.must("select current_user, current_database(), current_setting('search_path'), current_setting('statement_timeout'), pg_backend_pid() > 0"); got != "ann d a b 5s t" {
		t.Errorf("session: %s", got)
	}
	if c.key.ProcessID == 0 || len(c.key.SecretKey) != 4 {
		t.Errorf("no key for cancel requests: %+v", c.key)
	}
	for name, want := range map[string]string{
		"server_version": "18.0", "server_encoding": "UTF8", "client_encoding": "UTF8", "application_name": "test",
		"integer_datetimes": "on", "standard_conforming_strings": "on", "TimeZone": "UTC", "DateStyle": "German, DMY",
	} {
		if got, ok := c.params[name]; !ok || got != want {
			t.Errorf("parameter %s is %q, want %q", name, got, want)
		}
	}
	// Changes of reported settings are told, also when a transaction takes them back.
	if got := c.query("set application_name = 'x'"); !strings.Contains(got, "Complete SET") {
		t.Error(got)
	}
	if c.params["application_name"] != "x" {
		t.Errorf("application_name is reported as %q", c.params["application_name"])
	}
	c.must("begin; set timezone = 'Asia/Tokyo'")
	if c.params["TimeZone"] != "Asia/Tokyo" {
		t.Errorf("TimeZone is reported as %q", c.params["TimeZone"])
	}
	c.must("rollback")
	if c.params["TimeZone"] != "UTC" {
		t.Errorf("after a rollback TimeZone is reported as %q", c.params["TimeZone"])
	}
}

func TestStartupRefused(t *testing.T) {
	r := start(t, nil)
	for _, tc := range []struct {
		parameters map[string]string
		want       string
	}{
		{map[string]string{"nosuch": "1"}, `Error FATAL 42704 unrecognized configuration parameter "nosuch"`},
		{map[string]string{"client_encoding": "LATIN1"}, `Error FATAL 22023 invalid value for parameter "client_encoding": "LATIN1"`},
		{map[string]string{"options": "-x"}, "Error FATAL 42601 invalid command-line argument for server process: -x"},
		{map[string]string{"options": "-c geqo"}, "Error FATAL 42601 -c geqo requires a value"},
		{map[string]string{"replication": "database"}, "Error FATAL 0A000 a replication connection is not supported"},
	} {
		c := dial(t, r.address)
		if got := c.startup(tc.parameters); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%v: %s, want %s", tc.parameters, got, tc.want)
		}
		if got := c.next(); got != "" {
			t.Errorf("%v: after the error: %s", tc.parameters, got)
		}
	}
}

// TestEncryptionRequests: there is none; a client may go on without, but not ask for ever.
func TestEncryptionRequests(t *testing.T) {
	r := start(t, nil)
	refused := func(c *client, m pgproto3.FrontendMessage) {
		t.Helper()
		c.fe.Send(m)
		c.flush()
		answer := make([]byte, 1)
		if _, err := io.ReadFull(c.nc, answer); err != nil || answer[0] != 'N' {
			t.Fatalf("%T: %q, %v", m, answer, err)
		}
	}
	c := dial(t, r.address)
	refused(c, &pgproto3.GSSEncRequest{})
	refused(c, &pgproto3.SSLRequest{})
	if got := c.startup(nil); got != "Ready I" {
		t.Errorf("start-up after refused encryption: %s", got)
	}
	c = dial(t, r.address)
	for range 4 {
		refused(c, &pgproto3.SSLRequest{})
	}
	if got := c.next(); !strings.HasPrefix(got, "Error FATAL 08P01") {
		t.Errorf("after four requests: %q", got)
	}
}

func TestNegotiation(t *testing.T) {
	r := start(t, nil)
	c := dial(t, r.address)
	c.fe.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion32,
		Parameters: map[string]string{"user": "u", "_pq_.b": "1", "_pq_.a": "2"}})
	c.flush()
	if got := c.next(); got != "Negotiate 0 [_pq_.a _pq_.b]" {
		t.Errorf("a newer protocol: %s", got)
	}
	if got := c.answer(); !strings.HasPrefix(got, "AuthenticationOk") {
		t.Errorf("then: %s", got)
	}
}

// TestGarbage: what is not the protocol ends the connection with 08P01, and nothing else.
func TestGarbage(t *testing.T) {
	r := start(t, nil)
	for name, bytes := range map[string][]byte{
		"http":          []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"empty packet":  {0, 0, 0, 4},
		"short packet":  {0, 0, 0, 0},
		"version":       {0, 0, 0, 8, 0, 9, 0, 9},
		"no terminator": {0, 0, 0, 12, 0, 3, 0, 0, 'u', 's', 'e', 'r'},
		"negative":      {0xff, 0xff, 0xff, 0xff},
	} {
		c := dial(t, r.address)
		if _, err := c.nc.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if got := c.next(); !strings.HasPrefix(got, "Error FATAL 08P01") {
			t.Errorf("%s: %q", name, got)
		}
	}
	message := func(kind byte, body ...byte) []byte {
		m := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
		return append(m, body...)
	}
	for name, bytes := range map[string][]byte{
		"unknown":             message('!'),
		"password":            message('p', 'x', 0),
		"query without end":   message('Q', 's'),
		"length":              {'Q', 0, 0, 0, 3},
		"negative length":     {'Q', 0xff, 0xff, 0xff, 0xff},
		"bind of nothing":     message('B'),
		"bind, many":          message('B', 0, 0, 0, 0, 0xff, 0xff),
		"bind, long value":    message('B', 0, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff),
		"parse, many":         message('P', 0, 0, 0xff, 0xff),
		"describe of nothing": message('D'),
		"execute":             message('E', 0),
	} {
		c := connect(t, r.address, nil)
		if _, err := c.nc.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if got := c.next(); !strings.HasPrefix(got, "Error FATAL 08P01") {
			t.Errorf("%s: %q", name, got)
		}
		if got := c.next(); got != "" {
			t.Errorf("%s: the connection goes on: %s", name, got)
		}
	}
	if got := connect(t, r.address, nil).must("select 1"); got != "1" {
		t.Errorf("afterwards: %s", got)
	}
}

func TestMessageTooLong(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, nil)
	if _, err := c.nc.Write([]byte{'Q', 0x7f, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	if got := c.next(); !strings.HasPrefix(got, "Error FATAL 54000 message too long") {
		t.Errorf("a message of 2 GiB: %q", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	r := start(t, &server.Options{ConnectionsMax: 2})
	a, b := connect(t, r.address, nil), connect(t, r.address, nil)
	c := dial(t, r.address)
	if got := c.startup(nil); got != "Error FATAL 53300 sorry, too many clients already" {
		t.Errorf("the third connection: %s", got)
	}
	if got := c.next(); got != "" {
		t.Errorf("the third connection goes on: %s", got)
	}
	// A cancel request is heard all the same.
	if got := canceled(t, a, r, a.key.SecretKey); !strings.Contains(got, "57014") {
		t.Errorf("canceled: %s", got)
	}
	// A connection that has gone makes room, once the server has seen it.
	b.close()
	for i := 0; ; i++ {
		if got := dial(t, r.address).startup(nil); got == "Ready I" {
			break
		} else if i == 10_000 {
			t.Fatalf("there is no room: %s", got)
		}
	}
}

func TestListen(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "example.com:5432", "10.0.0.1:5432"} {
		ln, err := server.Listen(address)
		if sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			_ = ln.Close()
		}
	}
	if _, err := server.Listen("nonsense"); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
		t.Errorf("nonsense: %v", err)
	}
	for _, address := range []string{"localhost:0", "127.0.0.9:0"} {
		ln, err := server.Listen(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_ = ln.Close()
	}
}

// TestNotices: notices are sent as client_min_messages says.
func TestNotices(t *testing.T) {
	r := start(t, nil)
	c := connect(t, r.address, nil)
	const notice, warning = "drop table if exists nosuch", "commit"
	for level, want := range map[string][]bool{"notice": {true, true}, "warning": {false, true}, "error": {false, false}} {
		c.must("set client_min_messages = " + level)
		got := []bool{strings.Contains(c.query(notice), "Notice"), strings.Contains(c.query(warning), "Notice")}
		if !slices.Equal(got, want) {
			t.Errorf("%s: notice and warning are sent: %v, want %v", level, got, want)
		}
	}
}
