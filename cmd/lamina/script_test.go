package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/laminadb/lamina/internal/invariants"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lamina": main})
}

// TestScripts runs testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveCommand, "stop": stopCommand, "query": queryCommand, "code": codeCommand, "damage": damageCommand,
			"within": withinCommand,
		},
		Setup: func(e *testscript.Env) error {
			e.Values["server"] = &testServer{}
			return nil
		},
	})
}

// codeCommand: code N COMMAND... runs a command that must exit with code N; its output stands in
// files out and err.
func codeCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N command [args]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = e.ExitCode(), nil
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(ts.ReadFile("stdout")), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(ts.ReadFile("stderr")), 0o600))
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// withinCommand: within N demands that the process of the last report kept to a memory of N MiB, as far as the system tells.
func withinCommand(ts *testscript.TestScript, _ bool, args []string) {
	var limit int64
	if _, err := fmt.Sscan(strings.Join(args, " "), &limit); err != nil {
		ts.Fatalf("usage: within MiB")
	}
	var r tpchReport
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &r))
	if m := r.Memory; m.LimitBytes != limit<<20 || m.RowsBytes == 0 || m.QueriesBytes == 0 {
		ts.Fatalf("%+v", m)
	}
	most := limit<<20*11/10 + 64<<20
	if invariants.Enabled { // the race detector keeps shadows
		most *= 8
	}
	if n := r.Memory.ProcessBytes; n > most || n == 0 && runtime.GOOS == "linux" {
		ts.Fatalf("the process had %d MiB, %d are allowed", n>>20, most>>20)
	}
}

// damageCommand: damage FILE OFFSET turns over the bits of one byte; a negative offset counts from
// the end.
func damageCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: damage file offset")
	}
	matches, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(matches) == 0 {
		ts.Fatalf("no file %s", args[0])
	}
	b, err := os.ReadFile(matches[0])
	ts.Check(err)
	var at int
	_, err = fmt.Sscan(args[1], &at)
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0xff
	ts.Check(os.WriteFile(matches[0], b, 0o600))
}

// serveTimeout bounds the wait for a server's address and for its end.
const serveTimeout = 30 * time.Second

// testServer is the server of one script.
type testServer struct {
	cmd   *exec.Cmd
	lines chan string
}

// serveCommand: serve ARGS... starts lamina serve on a free port; the address is in $ADDRESS.
func serveCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*testServer)
	path, err := exec.LookPath("lamina")
	ts.Check(err)
	s.cmd = exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Dir, s.cmd.Stderr = ts.Getenv("WORK"), os.Stderr
	out, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() {
		if s.cmd != nil { // the script did not come to its stop
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	s.lines = make(chan string, 16)
	go func() {
		defer close(s.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			s.lines <- sc.Text()
		}
	}()
	select {
	case line := <-s.lines:
		_, address, ok := strings.Cut(line, " on ")
		if !ok {
			ts.Fatalf("the server printed %q", line)
		}
		ts.Setenv("ADDRESS", address)
	case <-time.After(serveTimeout):
		ts.Fatalf("the server printed no address")
	}
}

// stopCommand: stop sends the server a signal and expects that it ends by itself, with 0.
func stopCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*testServer)
	cmd := s.cmd
	if cmd == nil || len(args) != 1 {
		ts.Fatalf("usage: stop INT|TERM, after serve")
	}
	s.cmd = nil
	signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[args[0]]
	ts.Check(cmd.Process.Signal(signal))
	kill := time.AfterFunc(serveTimeout, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	last := ""
	for l := range s.lines {
		last = l
	}
	if err := cmd.Wait(); err != nil || last != "shutting down" {
		ts.Fatalf("the server did not end as it should: %v, last line %q", err, last)
	}
}

// queryCommand: [!] query SQL sends a simple query to the server and prints rows, or the error, to
// file out.
func queryCommand(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), serveTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, "postgres://lamina@"+ts.Getenv("ADDRESS")+"/lamina?sslmode=disable")
	ts.Check(err)
	results, err := conn.Exec(ctx, strings.Join(args, " ")).ReadAll()
	var out strings.Builder
	for _, r := range results {
		for _, row := range r.Rows {
			out.Write(bytes.Join(row, []byte("|")))
			out.WriteByte('\n')
		}
		out.WriteString(r.CommandTag.String() + "\n")
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		fmt.Fprintf(&out, "%s %s\n", e.Code, e.Message)
	} else {
		ts.Check(err)
	}
	ts.Check(conn.Close(ctx))
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o600))
	if neg != (err != nil) {
		ts.Fatalf("the server answered %q", out.String())
	}
}
