package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/laminadb/lamina/query/sqlparse"
)

// Prompt reads statements from a person: it asks for each line, and goes on after errors, until \q
// or the end of the input.
func (sh *Shell) Prompt(ctx context.Context) error {
	fmt.Fprint(sh.o.Out, "Type \\? for help, \\q or end of input to leave.\n")
	var pending strings.Builder
	for {
		fmt.Fprintf(sh.o.Out, "lamina%s ", sh.promptEnd(pending.Len() > 0))
		line, err := sh.line(pending.Len())
		if err == io.EOF {
			fmt.Fprintln(sh.o.Out)
			return nil
		}
		if err != nil {
			return err
		}
		if pending.Len() == 0 && backslash(line) {
			if quit, err := sh.command(ctx, line); quit || err != nil && !errors.Is(err, ErrStatement) {
				return err
			}
			continue
		}
		pending.WriteString(line)
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
