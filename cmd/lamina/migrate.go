package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

type migrateFlags struct {
	openFlags
	to      string
	with    []string
	reset   bool
	discard bool
	asJSON  bool
}

// migration is what `lamina migrate --json` prints.
type migration struct {
	Directory string  `json:"directory"`
	Table     string  `json:"table"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Moved     bool    `json:"moved"`
	Rows      int64   `json:"rows"`
	Checksum  string  `json:"checksum"`
	LSN       uint64  `json:"lsn,omitempty"`
	Seconds   float64 `json:"seconds"`
	took      time.Duration
}

var tierNames = []string{"columnar", "memory", "lsm"}

func newMigrate() *cobra.Command {
	var o migrateFlags
	c := &cobra.Command{
		Use:   "migrate DIR TABLE --to TIER",
		Short: "Move a table to another tier",
		Long: "Moves all rows of a table, with its keys and constraints, to the tier named by --to: columnar, lsm or memory.\n" +
			"One commit does it: after a crash the table is wholly where it was, and the command can be run again, or\n" +
			"wholly where it goes. Before that commit the rows are counted and summed up as they were and as they will be;\n" +
			"a difference ends the command without a change. Unless it goes to lsm, its rows must\n" +
			"fit into the memory limit once more.\n\n" +
			"The command needs DIR for itself. While a program has DIR open, any client of it can do the same with\n" +
			"ALTER TABLE t SET ACCESS METHOD tier; what others do with the table waits for it.",
		Example: "  lamina migrate data orders --to lsm\n" +
			"  lamina migrate data orders --to columnar --with sort_key=placed_at",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.checkAll(); err != nil {
				return &exitError{exitUsage, err}
			}
			m, err := migrate(c.Context(), args[0], args[1], &o)
			if err != nil {
				return err
			}
			if !o.asJSON {
				m.print(c)
				return nil
			}
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(m)
		},
	}
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "the tier that the table goes to: columnar, lsm or memory")
	f.StringArrayVar(&o.with, "with", nil, "storage parameter as NAME=VALUE; may be repeated")
	f.BoolVar(&o.reset, "reset", false, "drop the storage parameters that the table has")
	f.BoolVar(&o.discard, "discard-rows", false, "move to memory although the rows are gone when this command ends")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	o.add(f)
	return c
}

func (o *migrateFlags) checkAll() error {
	errs := []error{o.check()}
	if !slices.Contains(tierNames, o.to) {
		errs = append(errs, fmt.Errorf("--to %s: there are columnar, memory and lsm", o.to))
	}
	for _, p := range o.with {
		if !strings.Contains(p, "=") {
			errs = append(errs, fmt.Errorf("--with %s: NAME=VALUE is wanted", p))
		}
	}
	if o.to == "memory" && !o.discard {
		errs = append(errs, errors.New("--to memory: rows in memory end with the process that has the database open, which is this "+
			"command; say --discard-rows to have the table emptied"))
	}
	return errors.Join(errs...)
}

func migrate(ctx context.Context, dir, name string, o *migrateFlags) (m *migration, err error) {
	if _, err := os.Stat(filepath.Join(dir, "VERSION")); err != nil {
		return nil, fmt.Errorf("there is no database in %s: %w", dir, err)
	}
	start := time.Now()
	db, err := lamina.Open(dir, o.options())
	if err != nil {
		if sqlerr.CodeOf(err) == sqlerr.ObjectInUse {
			err = fmt.Errorf("%w; a client of that program can move the table with ALTER TABLE %s SET ACCESS METHOD %s", err, name, o.to)
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	id, err := tableNamed(ctx, db, name)
	if err != nil {
		return nil, err
	}
	m = &migration{Directory: dir, Table: name, To: o.to}
	if err := m.move(ctx, db, id, o); err != nil {
		return nil, err
	}
	m.took = time.Since(start)
	m.Seconds = m.took.Seconds()
	return m, nil
}

// tableNamed finds a table by its name in SQL.
func tableNamed(ctx context.Context, db *lamina.DB, name string) (table.ObjectID, error) {
	rows, err := db.Query(ctx, "SELECT $1::regclass::oid::int8", name)
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	var id int64
	for rows.Next() {
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
	}
	return table.ObjectID(id), rows.Err()
}

// move moves the table in one transaction, which it commits if the rows are the same before and after, and looks once more
// at what was committed.
func (m *migration) move(ctx context.Context, db *lamina.DB, id table.ObjectID, o *migrateFlags) error {
	tx, err := db.Storage().Begin(ctx, table.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // unless it was committed
	if err := tx.LockTable(ctx, id, table.AccessExclusive, table.WaitBlock); err != nil {
		return err
	}
	was, ok := tx.Schema().ByID(id).(*table.TableDef)
	if !ok {
		return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a table", m.Table)
	}
	m.From = was.Method
	before, err := contentsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	m.Rows, m.Checksum = before.rows, before.checksum()
	if was.Method == o.to {
		return nil
	}
	if err := tx.Schema().Alter(ctx, o.changed(was)); err != nil {
		return fmt.Errorf("table %s was left as it was: %w", m.Table, err)
	}
	if err := m.compare(ctx, tx, id, before, "the new rows"); err != nil {
		return fmt.Errorf("table %s was left as it was: %w", m.Table, err)
	}
	receipt, err := tx.Commit(ctx)
	if err != nil {
		return err
	}
	m.LSN, m.Moved = uint64(receipt.LSN), true
	after, err := db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer after.Rollback() //nolint:errcheck // it only reads
	return m.compare(ctx, after, id, before, "the table after the commit")
}

func (m *migration) compare(ctx context.Context, tx table.Tx, id table.ObjectID, want contents, what string) error {
	got, err := contentsOf(ctx, tx, id)
	if err == nil && got != want {
		err = sqlerr.Newf(sqlerr.DataCorrupted, "%s: %s with checksum %s instead of %s with checksum %s", what,
			countOf(got.rows, "row"), got.checksum(), countOf(want.rows, "row"), want.checksum())
	}
	return err
}

// changed returns the definition of the table in the other tier.
func (o *migrateFlags) changed(was *table.TableDef) *table.TableDef {
	def := was.CloneObject().(*table.TableDef)
	def.Method = o.to
	if o.reset {
		def.Options = nil
		for i := range def.Columns {
			def.Columns[i].Compression = table.CompressionDefault
		}
	}
	for _, p := range o.with {
		name, value, _ := strings.Cut(p, "=")
		if def.Options == nil {
			def.Options = map[string]string{}
		}
		def.Options[name] = value
	}
	return def
}

func (m *migration) print(c *cobra.Command) {
	w := c.OutOrStdout()
	if !m.Moved {
		fmt.Fprintf(w, "table %s is in tier %s already: %s, checksum %s\n", m.Table, m.To, countOf(m.Rows, "row"), m.Checksum)
		return
	}
	fmt.Fprintf(w, "table %s moved from %s to %s in %s: %s, checksum %s before and after\n",
		m.Table, m.From, m.To, seconds3(m.took), countOf(m.Rows, "row"), m.Checksum)
	if m.To == "memory" {
		fmt.Fprintln(w, "its rows end with this command, as --discard-rows allows")
	}
}
