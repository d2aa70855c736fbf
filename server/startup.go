package server

import (
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
)

// startupMessagesMax bounds the messages before a session begins: requests for encryption, and the start itself.
const startupMessagesMax = 4

// startup answers the start-up messages; ok false: the connection was only for a cancel request.
func (c *conn) startup(full bool) (ok bool, err error) {
	for range startupMessagesMax {
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
	return false, sqlerr.New(sqlerr.ProtocolViolation, "no start-up message after several requests for encryption")
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
