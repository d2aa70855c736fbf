package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/laminadb/lamina/cmd/lamina/shell"
)

// editor reads lines from a terminal, with editing and a history. While none is read the terminal is as it was, so that
// an interrupt reaches the program.
type editor struct {
	in, out *os.File
	t       *term.Terminal
	// interrupted: Control-C was typed.
	interrupted bool
	rest        []byte // typed, or pasted, behind the line that was read last
	history     term.History
}

var (
	_ shell.LineReader = (*editor)(nil)
	_ io.Reader        = (*editor)(nil)
)

func newEditor(in, out *os.File) *editor {
	e := &editor{in: in, out: out}
	e.reset()
	e.history = e.t.History
	return e
}

// reset begins with an empty line.
func (e *editor) reset() {
	e.t = term.NewTerminal(keys{e}, "")
	if e.history != nil {
		e.t.History = e.history
	}
	e.t.AutoCompleteCallback = func(line string, at int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		return line[:at] + "\t" + line[at:], at + 1, true // else it is dropped
	}
}

// keys are what is typed, and the screen.
type keys struct{ e *editor }

// Read reads keys, up to the end of a line: what comes after may be for COPY.
func (k keys) Read(p []byte) (int, error) {
	n, err := k.e.take(p)
	k.e.interrupted = k.e.interrupted || bytes.IndexByte(p[:n], 3) >= 0
	return n, err
}

// Write writes to the screen.
func (k keys) Write(p []byte) (int, error) { return k.e.out.Write(p) }

// lineCharsMax bounds a line: the terminal drops what is typed beyond it.
const lineCharsMax = 4096

// ReadLine asks for a line. It returns shell.ErrInterrupted after Control-C, and io.EOF at the end of the input.
func (e *editor) ReadLine(prompt string) (line string, err error) {
	state, err := term.MakeRaw(int(e.in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, term.Restore(int(e.in.Fd()), state)) }()
	if w, h, err := term.GetSize(int(e.out.Fd())); err == nil && w > 0 {
		if err := e.t.SetSize(w, h); err != nil {
			return "", err
		}
	}
	e.interrupted = false
	e.t.SetPrompt(prompt)
	line, err = e.t.ReadLine()
	if err == io.EOF && e.interrupted { // the terminal keeps the line and the key
		e.reset()
		if _, err := io.WriteString(e.out, "^C\r\n"); err != nil {
			return "", err
		}
		return "", shell.ErrInterrupted
	}
	if err == nil && len([]rune(line)) >= lineCharsMax {
		_, err := fmt.Fprintf(e.out, "A line at the prompt has less than %d characters: give longer ones on standard input.\r\n", lineCharsMax)
		return "", errors.Join(shell.ErrInterrupted, err)
	}
	return line, err
}

// Read reads lines as they are, one at a time, for COPY FROM STDIN.
func (e *editor) Read(p []byte) (int, error) {
	n, err := e.take(p)
	if n > 0 && p[n-1] == '\r' {
		p[n-1] = '\n'
	}
	return n, err
}

// take reads what was typed, no further than to the end of a line.
func (e *editor) take(p []byte) (int, error) {
	if len(e.rest) == 0 {
		b := make([]byte, 4096)
		n, err := e.in.Read(b)
		if n == 0 || err != nil {
			return 0, err
		}
		e.rest = b[:n]
	}
	n := len(e.rest)
	if i := bytes.IndexAny(e.rest, "\r\n"); i >= 0 {
		n = i + 1
	}
	n = copy(p, e.rest[:n])
	e.rest = e.rest[n:]
	return n, nil
}
