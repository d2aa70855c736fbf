package workload

import (
	"context"
	"io"
	"strconv"

	"github.com/laminadb/lamina/internal/cli/versus"
)

// column returns a column that has no NULL.
func column(name, typ string) versus.Column { return versus.Column{Name: name, Type: typ} }

// lines collects rows in the text form of versus.Table.Write.
type lines struct {
	w   io.Writer
	buf []byte
	err error
}

// linesFlush is the number of bytes that are written at once.
const linesFlush = 64 << 10

// add writes a row of strings, int and float64 with six digits after the point.
func (l *lines) add(values ...any) {
	for i, v := range values {
		if i > 0 {
			l.buf = append(l.buf, '|')
		}
		switch v := v.(type) {
		case string:
			l.buf = append(l.buf, v...)
		case int:
			l.buf = strconv.AppendInt(l.buf, int64(v), 10)
		case float64:
			l.buf = strconv.AppendFloat(l.buf, v, 'f', 6, 64)
		}
	}
	l.buf = append(l.buf, '\n')
	if len(l.buf) >= linesFlush {
		l.flush()
	}
}

func (l *lines) flush() {
	if l.err == nil {
		_, l.err = l.w.Write(l.buf)
	}
	l.buf = l.buf[:0]
}

// rowsOf returns a Write that calls row for each number in [0, n).
func rowsOf(n int, row func(l *lines, i int)) func(ctx context.Context, w io.Writer) error {
	return func(ctx context.Context, w io.Writer) error {
		l := &lines{w: w}
		for i := range n {
			row(l, i)
			if i%4096 == 0 && (l.err != nil || ctx.Err() != nil) {
				break
			}
		}
		l.flush()
		if l.err != nil {
			return l.err
		}
		return ctx.Err()
	}
}
