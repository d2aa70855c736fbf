package versus

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/laminadb/lamina/internal/cli/peer"
	"github.com/laminadb/lamina/tpch"
)

// Process is a system in a process of its own.
type Process struct {
	settings   Settings
	name, file string
	p          *peer.Process
	// Copy is the statement that fills a table from a file.
	Copy func(table, file string) string
	// DDL creates a table; nil: Table.DDL without a key.
	DDL func(t *Table) string
	// Sync, if not "", makes durable what was loaded.
	Sync string
	// Aside systems have one run after the first, and are left out of a query whose answer differs: they are no measure.
	Aside bool
}

// NewProcess returns a system that p runs, with a database in a file of its own.
func NewProcess(name, file string, p *peer.Process, s Settings) *Process {
	return &Process{settings: s, name: name, file: file, p: p}
}

// NewDuckDB returns DuckDB, which p runs, with a database in a file of its own.
func NewDuckDB(name, file string, p *peer.Process, s Settings) *Process {
	d := NewProcess(name, file, p, s)
	d.Sync = "CHECKPOINT"
	d.Copy = func(table, file string) string {
		return "COPY " + table + " FROM " + quoted(file) + " (FORMAT csv, DELIMITER '|', HEADER false, QUOTE '')"
	}
	return d
}

// Name says which system this is.
func (s *Process) Name() string { return s.name }

// Open opens the database.
func (s *Process) Open(ctx context.Context) (string, error) {
	a, err := s.p.Do(ctx, peer.Request{
		Op: peer.Open, File: filepath.Join(s.settings.Dir, s.file), Threads: s.settings.Threads, MemoryMiB: s.settings.MemoryBytes >> 20,
	})
	return a.Text, err
}

// LoadTable creates the table without a key, whose index would slow the load and help no query, unless DDL says otherwise.
func (s *Process) LoadTable(ctx context.Context, t *Table, file string) (ms float64, err error) {
	ddl := t.DDL(false)
	if s.DDL != nil {
		ddl = s.DDL(t)
	}
	for _, sql := range []string{ddl, s.Copy(t.Name, file)} {
		a, err := s.p.Do(ctx, peer.Request{Op: peer.Exec, SQL: sql})
		if err != nil {
			return 0, fmt.Errorf("load of %s: %w", t.Name, err)
		}
		ms += a.Millis
	}
	a, err := s.Run(ctx, "SELECT count(*) FROM "+t.Name, true)
	if err == nil && (len(a.Rows) != 1 || a.Rows[0][0].Text != fmt.Sprint(t.Rows)) {
		err = fmt.Errorf("%s: %s has %v rows, not %d", s.name, t.Name, a.Rows, t.Rows)
	}
	return ms, err
}

// Loaded makes durable what was loaded.
func (s *Process) Loaded(ctx context.Context) (float64, error) {
	if s.Sync == "" {
		return 0, nil
	}
	a, err := s.p.Do(ctx, peer.Request{Op: peer.Exec, SQL: s.Sync})
	return a.Millis, err
}

// Run runs a query.
func (s *Process) Run(ctx context.Context, text string, rows bool) (Answer, error) {
	a, err := s.p.Do(ctx, peer.Request{Op: peer.Query, SQL: text, Rows: rows})
	if err != nil {
		return Answer{}, err
	}
	out := Answer{Count: a.Count, Millis: a.Millis}
	out.Columns = a.Columns
	for _, row := range a.Rows {
		values := make([]tpch.Value, len(row))
		for i, v := range row {
			values[i].Null = v == nil
			if v != nil {
				values[i].Text = *v
			}
		}
		out.Rows = append(out.Rows, values)
	}
	return out, nil
}

// Peak asks the process.
func (s *Process) Peak(ctx context.Context) (int64, error) {
	a, err := s.p.Do(ctx, peer.Request{Op: peer.Peak})
	return a.Bytes, err
}

// Close closes the database.
func (s *Process) Close(ctx context.Context) error {
	_, err := s.p.Do(ctx, peer.Request{Op: peer.Finish})
	return err
}

// End ends the process.
func (s *Process) End() error { return s.p.Close() }
