package server_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgproto3"
)

// TestWire sends messages and compares the answers, message by message, with what PostgreSQL answers to the
// same ones: testdata/wire was written with -postgres, which runs it on a server of that kind.
//
// A file is a list of commands "send [client=NAME] [until=MESSAGE]" whose lines are messages, fields split by "|":
//
//	Q sql                         Query
//	P name|types|sql              Parse; types are OIDs split by commas
//	B portal|name|params|formats  Bind; params split by commas: text, \N for NULL, x:hex for binary values
//	D S|name, D P|name            Describe
//	E portal|rows                 Execute
//	C S|name, C P|name            Close
//	H, S                          Flush, Sync
//	d text, c, f text             CopyData (a line), CopyDone, CopyFail
//
// The answer has a line for each message of the server, up to the ReadyForQuery of the last Query or Sync, or
// to the first message of the given kind.
func TestWire(t *testing.T) {
	messages := 0
	datadriven.Walk(t, "testdata/wire", func(t *testing.T, path string) {
		address := *postgres
		if address == "" {
			address = start(t, nil).address
		} else {
			scratchDatabase(t, address)
		}
		clients := map[string]*client{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			name, until := "1", ""
			d.MaybeScanArgs(t, "client", &name)
			d.MaybeScanArgs(t, "until", &until)
			c := clients[name]
			if c == nil {
				c = connect(t, address, map[string]string{"database": "lamina_wire", "TimeZone": "UTC"})
				clients[name] = c
			}
			ready := 0
			for _, line := range strings.Split(d.Input, "\n") {
				m, err := parseMessage(line)
				if err != nil {
					d.Fatalf(t, "%q: %v", line, err)
				}
				switch m.(type) {
				case *pgproto3.Query, *pgproto3.Sync:
					ready++
				}
				c.fe.Send(m)
				messages++
			}
			c.flush()
			var out strings.Builder
			for ready > 0 || until != "" {
				text := c.next()
				if text == "" {
					out.WriteString("connection closed\n")
					break
				}
				out.WriteString(text + "\n")
				kind, _, _ := strings.Cut(text, " ")
				if kind == "Ready" {
					ready--
				}
				if until != "" && kind == until {
					break
				}
			}
			return out.String()
		})
		for _, c := range clients {
			c.close()
		}
	})
	if messages < 150 {
		t.Errorf("only %d messages were sent", messages)
	}
}

// scratchDatabase makes an empty database on PostgreSQL.
func scratchDatabase(t *testing.T, address string) {
	c := connect(t, address, map[string]string{"database": "postgres"})
	c.must("drop database if exists lamina_wire with (force)")
	c.must("create database lamina_wire template template0")
	c.close()
}

// parseMessage reads a line of a command.
func parseMessage(line string) (pgproto3.FrontendMessage, error) {
	kind, rest, _ := strings.Cut(line, " ")
	f := strings.Split(rest, "|")
	for len(f) < 4 {
		f = append(f, "")
	}
	switch kind {
	case "Q":
		return &pgproto3.Query{String: rest}, nil
	case "P":
		oids, err := numbers(f[1])
		m := &pgproto3.Parse{Name: f[0], Query: strings.Join(f[2:], "|")}
		m.Query = strings.TrimRight(m.Query, "|")
		for _, n := range oids {
			m.ParameterOIDs = append(m.ParameterOIDs, uint32(n))
		}
		return m, err
	case "B":
		return parseBind(f)
	case "D":
		return &pgproto3.Describe{ObjectType: f[0][0], Name: f[1]}, nil
	case "E":
		n, err := strconv.Atoi("0" + f[1])
		return &pgproto3.Execute{Portal: f[0], MaxRows: uint32(n)}, err
	case "C":
		return &pgproto3.Close{ObjectType: f[0][0], Name: f[1]}, nil
	case "H":
		return &pgproto3.Flush{}, nil
	case "S":
		return &pgproto3.Sync{}, nil
	case "d":
		return &pgproto3.CopyData{Data: []byte(rest + "\n")}, nil
	case "c":
		return &pgproto3.CopyDone{}, nil
	case "f":
		return &pgproto3.CopyFail{Message: rest}, nil
	}
	return nil, fmt.Errorf("no such message")
}

func parseBind(f []string) (pgproto3.FrontendMessage, error) {
	m := &pgproto3.Bind{DestinationPortal: f[0], PreparedStatement: f[1]}
	if f[2] != "" {
		for _, p := range strings.Split(f[2], ",") {
			format, value := int16(0), []byte(p)
			if digits, ok := strings.CutPrefix(p, "x:"); ok {
				b, err := hex.DecodeString(digits)
				if err != nil {
					return nil, err
				}
				format, value = 1, b
			} else if p == `\N` {
				value = nil
			}
			m.Parameters = append(m.Parameters, value)
			m.ParameterFormatCodes = append(m.ParameterFormatCodes, format)
		}
	}
	formats, err := numbers(f[3])
	for _, n := range formats {
		m.ResultFormatCodes = append(m.ResultFormatCodes, int16(n))
	}
	return m, err
}

func numbers(list string) (ns []int, err error) {
	if list == "" {
		return nil, nil
	}
	for _, w := range strings.Split(list, ",") {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, err
		}
		ns = append(ns, n)
	}
	return ns, nil
}
