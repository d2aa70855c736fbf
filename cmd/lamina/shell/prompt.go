package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/laminadb/lamina/query/sqlparse"
)

// LineReader reads lines from a person.
type LineReader interface {
	// ReadLine asks for a line and returns it without its end: ErrInterrupted, or io.EOF at the end.
	ReadLine(prompt string) (string, error)
}

// ErrInterrupted is a LineReader's answer to Control-C.
var ErrInterrupted = errors.New("interrupted")

// Prompt reads statements from a person: it asks for each line, and goes on after errors, until \q
// or the end of the input. An interrupt drops the lines of an unfinished statement.
func (sh *Shell) Prompt(ctx context.Context, lines LineReader) error {
	fmt.Fprint(sh.o.Out, "Type \\? for help, \\q or end of input to leave.\n")
	var pending strings.Builder
	for {
		line, err := lines.ReadLine("lamina" + sh.promptEnd(pending.Len() > 0) + " ")
		switch {
		case errors.Is(err, ErrInterrupted):
			pending.Reset()
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(sh.o.Out)
			return nil
		case err != nil:
			return err
		case pending.Len()+len(line) > textBytesMax:
			return errTooLong
		}
		if backslash(line) && outside(pending.String()) {
			if strings.TrimSpace(line) == `\r` {
				pending.Reset()
			} else if quit, err := sh.command(ctx, line); quit || err != nil && !errors.Is(err, ErrStatement) {
				return err
			}
			continue
		}
		pending.WriteString(line + "\n")
		text := pending.String()
		if len(sqlparse.Split(text)) == 0 {
			pending.Reset()
			continue
		}
		if !complete(text) {
			continue
		}
		pending.Reset()
		for _, s := range sqlparse.Split(text) {
			if err := sh.Run(ctx, s); err != nil && !errors.Is(err, ErrStatement) {
				return err
			}
		}
	}
}

// outside reports whether a text ends outside of strings and comments, so that a backslash is not part of one.
func outside(text string) bool { return text == "" || complete(text+";") }

// promptEnd shows whether a transaction is open (*), has failed (!), and whether a statement goes
// on.
func (sh *Shell) promptEnd(within bool) string {
	end := "=>"
	if within {
		end = "->"
	}
	switch sh.s.Status() {
	case 'T':
		return end[:1] + "*" + end[1:]
	case 'E':
		return end[:1] + "!" + end[1:]
	}
	return end
}
