package copytext

import (
	"strconv"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
)

// lineError is an error of one line of the input.
type lineError struct {
	err  error
	line int64
	what string // follows the line's number in the context
	// column and value are set if a value cannot be read.
	column, value string
}

func (e *lineError) Error() string { return e.err.Error() }

func (e *lineError) Unwrap() error { return e.err }

// inContext returns the error with PostgreSQL's CONTEXT.
func (e *lineError) inContext(table string) error {
	x := sqlerr.From(e.err)
	if x.Context != "" {
		return x
	}
	x = x.WithMessage("%s", x.Message)
	x.Context = "COPY " + table + ", line " + strconv.FormatInt(e.line, 10) + e.what
	return x
}

// shownMax is how much of the input an error shows.
const shownMax = 100

// shown quotes input for an error.
func shown(b []byte) string {
	if len(b) <= shownMax {
		return `"` + string(b) + `"`
	}
	b = b[:shownMax]
	for len(b) > 0 && !utf8.Valid(b) {
		b = b[:len(b)-1]
	}
	return `"` + string(b) + `..."`
}
