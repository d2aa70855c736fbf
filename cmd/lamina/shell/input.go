package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/laminadb/lamina/query/sqlparse"
)

// textBytesMax bounds the statement that is gathered from input lines.
const textBytesMax = sqlparse.TextBytesMax

// RunInput reads statements from Options.In, each ended by a semicolon, and runs them one by one to
// the end of the input. It returns ErrStatement if one failed and Options.Continue is not set.
func (sh *Shell) RunInput(ctx context.Context) error {
	var pending strings.Builder
	for {
		line, err := sh.line(pending.Len())
		if err != nil && err != io.EOF {
			return err
		}
		ended := err == io.EOF
		if pending.Len() == 0 && backslash(line) {
			if quit, err := sh.command(ctx, line); quit || sh.stop(err) {
				return err
			}
			line = ""
		}
		pending.WriteString(line)
		if !ended && (!strings.Contains(line, ";") || !complete(pending.String())) {
			continue
		}
		texts := sqlparse.Split(pending.String())
		pending.Reset()
		for _, text := range texts {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := sh.Run(ctx, text); sh.stop(err) {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

// line reads a line with its end; have is the size of what it is added to.
func (sh *Shell) line(have int) (string, error) {
	var b strings.Builder
	for {
		part, err := sh.o.In.ReadSlice('\n')
		b.Write(part)
		if err != bufio.ErrBufferFull {
			return b.String(), err
		}
		if have+b.Len() > textBytesMax {
			return "", errTooLong
		}
	}
}

// complete reports whether a text ends outside of statements, strings and comments: what follows
// would begin another statement.
func complete(text string) bool {
	return len(sqlparse.Split(text+"\nx")) > len(sqlparse.Split(text))
}

// copyInput gives the rows of COPY FROM STDIN: the input up to its end or to a line of \. alone.
type copyInput struct {
	in    *bufio.Reader
	left  []byte // of the line that is being handed out
	start bool   // the next read begins inside a line
	err   error
}

func (c *copyInput) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *copyInput) fill() error {
	if c.in == nil {
		c.err = io.EOF
		return c.err
	}
	inside := c.start
	part, err := c.in.ReadSlice('\n')
	c.start = errors.Is(err, bufio.ErrBufferFull)
	if err != nil && !c.start {
		c.err = err
	}
	if !inside && !c.start && string(bytes.TrimRight(part, "\r\n")) == `\.` {
		c.err, part = io.EOF, nil
	}
	if len(part) == 0 {
		return c.err
	}
	c.left = part
	return nil
}
