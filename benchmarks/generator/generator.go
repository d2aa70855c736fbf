// Package generator holds the rows of package tpch against those of go-tpc, which is a program of other authors: a port of the
// benchmark's dbgen. Rows are compared as sets, by checksums that do not depend on their order.
package generator

import (
	"bytes"
	"context"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/tpch"
)

// Rows is the checksum of a set of lines: two sums of the hashes of each.
type Rows struct {
	Count, Bytes int64
	Sum          [2]uint64
}

// add takes a line, without the newline that Bytes counts.
func (r *Rows) add(line []byte) {
	h := xxh3.Hash128(line)
	r.Count, r.Bytes = r.Count+1, r.Bytes+int64(len(line))+1
	r.Sum[0], r.Sum[1] = r.Sum[0]+h.Hi, r.Sum[1]+h.Lo
}

// Write takes whole lines.
func (r *Rows) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		r.add(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	return len(p), nil
}

// Own makes the rows of one table with package tpch.
func Own(ctx context.Context, g *tpch.Generator, t tpch.Table) (*Rows, error) {
	r := &Rows{}
	return r, g.WriteTBL(ctx, r, t, true, tpch.GenerateOptions{})
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)

// Text makes the lines of all tables and throws them away; it returns their bytes.
func Text(ctx context.Context, g *tpch.Generator) (n int64, err error) {
	var c counter
	for _, t := range tpch.Tables() {
		if err := g.WriteTBL(ctx, &c, t, true, tpch.GenerateOptions{}); err != nil {
			return 0, err
		}
	}
	return int64(c), nil
}
