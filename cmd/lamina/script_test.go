package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lamina": main})
}

// TestScripts runs testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveCommand, "code": codeCommand, "damage": damageCommand,
		},
	})
}

// codeCommand: code N COMMAND... runs a command that must exit with code N; its output stands in files out and err.
func codeCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N command [args]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := err.(*exec.ExitError); ok {
		code, err = e.ExitCode(), nil
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(ts.ReadFile("stdout")), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(ts.ReadFile("stderr")), 0o600))
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// damageCommand: damage FILE OFFSET turns over the bits of one byte; a negative offset counts from the end.
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

// serveCommand: serve ARGS... starts lamina serve on a free port. The address is in $ADDRESS. The server is told to end
// when the script has ended, and must then exit with 0.
func serveCommand(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("lamina", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	path, err := exec.LookPath("lamina")
	ts.Check(err)
	cmd.Path, cmd.Dir, cmd.Err = path, ts.Getenv("WORK"), nil
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	cmd.Stderr = os.Stderr
	ts.Check(cmd.Start())
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	ts.Defer(func() {
		ts.Check(cmd.Process.Signal(os.Interrupt))
		kill := time.AfterFunc(serveTimeout, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		last := ""
		for l := range lines {
			last = l
		}
		if err := cmd.Wait(); err != nil || last != "shutting down" {
			ts.Logf("server: %v, last line %q", err, last)
			ts.Check(fmt.Errorf("the server did not shut down cleanly: %v, %q", err, last))
		}
	})
	select {
	case line := <-lines:
		_, address, ok := strings.Cut(line, " on ")
		if !ok {
			ts.Fatalf("the server printed %q", line)
		}
		ts.Setenv("ADDRESS", address)
	case <-time.After(serveTimeout):
		ts.Fatalf("the server printed no address")
	}
}
