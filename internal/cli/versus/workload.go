package versus

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/tpch"
)

// Workload is tables and queries.
type Workload struct {
	// Name and Title say what it is, to programs and to people.
	Name, Title string
	Tables      []Table
	Queries     []Query
	// Load, if not nil, creates and fills the tables of Lamina; otherwise it reads the files that others read too.
	Load func(ctx context.Context, db *lamina.DB) error
}

// Table is a table with its rows.
type Table struct {
	Name    string
	Columns []Column
	// Key are the names of the columns of the primary key, which Lamina has; none: no key.
	Key  []string
	Rows int64
	// Write writes the rows: a line each, values between vertical bars, without quotes; NULL is empty.
	Write func(ctx context.Context, w io.Writer) error
}

// Column is a column of a table.
type Column struct {
	Name, Type string
	Nullable   bool
}

// Query is a query with what is known of its answer.
type Query struct {
	Name, Text string
	// Peer is the text for other systems; "": the same.
	Peer string
	// Keys are the positions of the ORDER BY columns in the result.
	Keys []int
	// Check, if not nil, holds Lamina's answer against what is expected.
	Check func(tpch.Result) error
	// Digest, if not "", is compared in place of the rows, which are too many: a query over Text, which stands for %s.
	Digest string
}

// text returns what a system runs.
func (q *Query) text(peer bool) string {
	if peer && q.Peer != "" {
		return q.Peer
	}
	return q.Text
}

// compared returns the query whose rows are compared.
func (q *Query) compared(peer bool) string {
	if q.Digest == "" {
		return q.text(peer)
	}
	return strings.ReplaceAll(q.Digest, "%s", "("+q.text(peer)+")")
}

// DDL returns the statement that creates the table.
func (t *Table) DDL(key bool) string {
	var parts []string
	for _, c := range t.Columns {
		part := c.Name + " " + c.Type
		if !c.Nullable {
			part += " NOT NULL"
		}
		parts = append(parts, part)
	}
	if key && len(t.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+strings.Join(t.Key, ", ")+")")
	}
	return "CREATE TABLE " + t.Name + " (" + strings.Join(parts, ", ") + ")"
}

// writeFile writes the rows of a table to a file.
func (t *Table) writeFile(ctx context.Context, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(t.Write(ctx, b), b.Flush(), f.Close())
}

// Rows returns the number of rows of all tables.
func (w *Workload) Rows() (n int64) {
	for i := range w.Tables {
		n += w.Tables[i].Rows
	}
	return n
}

// Fill loads all tables of a workload into Lamina; dir is a folder for files.
func Fill(ctx context.Context, s *Lamina, w *Workload, dir string) error {
	if w.Load != nil {
		return w.Load(ctx, s.db)
	}
	for i := range w.Tables {
		file := filepath.Join(dir, w.Tables[i].Name+".tbl")
		if err := w.Tables[i].writeFile(ctx, file); err != nil {
			return err
		}
		if _, err := s.LoadTable(ctx, &w.Tables[i], file); err != nil {
			return err
		}
	}
	return nil
}
