package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/laminadb/lamina/tpch"
)

type generateFlags struct {
	sf       float64
	out      string
	tables   []string
	workers  int
	trailing bool
}

func newTPCHGenerate() *cobra.Command {
	var o generateFlags
	c := &cobra.Command{
		Use:   "generate --sf F --out FOLDER",
		Short: "Write the files of TPC-H's dbgen",
		Long: "Writes a file TABLE.tbl for each table into a folder, the same to the byte as dbgen's:\n" +
			"a line for each row, each value followed by a vertical bar.",
		Example: "  lamina tpch generate --sf 1 --out data --tables orders,lineitem",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			g, tables, err := o.check()
			if err != nil {
				return &exitError{exitUsage, err}
			}
			return o.run(c, g, tables)
		},
	}
	f := c.Flags()
	f.Float64Var(&o.sf, "sf", 0.1, "scale factor")
	f.StringVar(&o.out, "out", "", "folder for the files, made if it is not there")
	f.StringSliceVar(&o.tables, "tables", nil, "tables to write (default all)")
	f.IntVar(&o.workers, "workers", 0, "goroutines that make rows (default one per CPU)")
	f.BoolVar(&o.trailing, "trailing", true, "end each line with a vertical bar, as dbgen does")
	return c
}

func (o *generateFlags) check() (*tpch.Generator, []tpch.Table, error) {
	g, err := tpch.New(o.sf)
	errs := []error{err}
	if o.out == "" {
		errs = append(errs, errors.New("--out: give a folder"))
	}
	tables := tpch.Tables()
	if len(o.tables) > 0 {
		tables = nil
	}
	seen := map[tpch.Table]bool{}
	for _, name := range o.tables {
		t, ok := tpch.TableNamed(strings.ToLower(name))
		if !ok {
			errs = append(errs, fmt.Errorf("--tables %s: there is no such table", name))
		} else if !seen[t] {
			tables, seen[t] = append(tables, t), true
		}
	}
	return g, tables, errors.Join(errs...)
}

func (o *generateFlags) run(c *cobra.Command, g *tpch.Generator, tables []tpch.Table) error {
	fs := vfs.Default
	if err := fs.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	b := newBars(c.ErrOrStderr(), false)
	start := time.Now()
	var rows, bytes int64
	for _, t := range tables {
		n, err := o.write(c.Context(), fs, g, t, b)
		if err != nil {
			return fmt.Errorf("table %s: %w", t, err)
		}
		rows, bytes = rows+g.Rows(t), bytes+n
		fmt.Fprintf(c.OutOrStdout(), "%-10s %12s rows %10s\n", t, countText(g.Rows(t)), bytesText(n))
	}
	took := time.Since(start)
	fmt.Fprintf(c.OutOrStdout(), "%s rows, %s in %s: %.1f MB/s\n", countText(rows), bytesText(bytes), seconds3(took),
		float64(bytes)/1e6/took.Seconds())
	return nil
}

// write makes the file of one table; what is left of a failed one is removed.
func (o *generateFlags) write(
	ctx context.Context, fs vfs.FS, g *tpch.Generator, t tpch.Table, b bars,
) (n int64, err error) {
	name := fs.PathJoin(o.out, t.Name()+".tbl")
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	report, done := b.begin(t.Name(), "rows", g.Rows(t))
	defer done()
	w := &countingWriter{w: f}
	err = g.WriteTBL(ctx, w, t, o.trailing, tpch.GenerateOptions{
		Workers: o.workers, Progress: func(p tpch.Progress) { report(p.Rows) },
	})
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, fs.Remove(name))
	}
	return w.n, err
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
