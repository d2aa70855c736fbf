package shell

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/laminadb/lamina/sqlerr"
)

// PrintError prints an error as psql does in its verbose form: the SQLSTATE before the message, the
// line of the statement with a caret below the place, then detail, hint and context. sql is the
// text that positions count in. An error without SQLSTATE is printed as its message alone.
func PrintError(w io.Writer, err error, sql string) {
	if sqlerr.CodeOf(err) == sqlerr.InternalError {
		if _, ok := errors.AsType[*sqlerr.Error](err); !ok {
			fmt.Fprintf(w, "lamina: %v\n", err)
			return
		}
	}
	e := sqlerr.From(err)
	printMessage(w, "ERROR", err.Error(), e, sql)
}

func printMessage(w io.Writer, severity, message string, e *sqlerr.Error, sql string) {
	fmt.Fprintf(w, "%s:  %s: %s\n", severity, e.Code, message)
	if line, caret := excerpt(sql, e.Position); line != "" {
		fmt.Fprintf(w, "%s\n%s\n", line, caret)
	}
	for _, f := range []struct{ name, text string }{{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"CONTEXT", e.Context}} {
		if f.text != "" {
			fmt.Fprintf(w, "%s:  %s\n", f.name, f.text)
		}
	}
}

// Limits of the excerpt of a long line: its width, and how much of it is shown right of the place.
const (
	excerptColumns      = 60
	excerptColumnsRight = 10
)

// excerpt returns the line of sql that has the 1-based character position, after "LINE n: ", and a
// caret for the line below it. Both are empty if there is no such position.
func excerpt(sql string, position int) (line, caret string) {
	if position <= 0 || position > utf8.RuneCountInString(sql)+1 {
		return "", ""
	}
	sql = strings.ReplaceAll(sql, "\r\n", " \n")
	number, rest := 1, []rune(sql)
	at := position - 1
	for {
		end := 0
		for end < len(rest) && rest[end] != '\n' {
			end++
		}
		if at <= end || end == len(rest) {
			rest = rest[:end]
			break
		}
		rest, at, number = rest[end+1:], at-end-1, number+1
	}
	for i, r := range rest {
		if r < ' ' {
			rest[i] = ' '
		}
	}
	before, after := rest[:min(at, len(rest))], rest[min(at, len(rest)):]
	head, tail := "", ""
	if width(before)+width(after) > excerptColumns {
		for width(before) > excerptColumns-excerptColumnsRight {
			before, head = before[1:], "..."
		}
		for len(after) > 0 && width(before)+width(after) > excerptColumns {
			after, tail = after[:len(after)-1], "..."
		}
	}
	prefix := fmt.Sprintf("LINE %d: %s", number, head)
	line = prefix + string(before) + string(after) + tail
	return line, strings.Repeat(" ", len(prefix)+width(before)) + "^"
}

// width returns the number of terminal columns.
func width(r []rune) int { return text.StringWidthWithoutEscSequences(string(r)) }
