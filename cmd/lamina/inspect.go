package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// inspection is what `lamina inspect --json` prints.
type inspection struct {
	Directory  string           `json:"directory"`
	Sizes      fileSizes        `json:"sizes"`
	LSN        table.LSN        `json:"lsn"`
	Tables     []inspectedTable `json:"tables"`
	Tiers      []inspectedTier  `json:"tiers"`
	Checkpoint *inspectedCheck  `json:"checkpoint"`
	Sections   []inspectedPart  `json:"sections"`
	Log        inspectedLog     `json:"log"`
}

// fileSizes is table.Size with names for JSON.
type fileSizes struct {
	Log       int64 `json:"log_bytes"`
	Snapshots int64 `json:"snapshot_bytes"`
	Segments  int64 `json:"segment_bytes"`
	LSM       int64 `json:"lsm_bytes"`
	Other     int64 `json:"other_bytes"`
}

func fileSizesOf(s table.Size) fileSizes {
	return fileSizes{s.Log, s.Snapshots, s.Segments, s.LSM, s.Other}
}

type inspectedTable struct {
	Schema     string   `json:"schema"`
	Name       string   `json:"name"`
	Tier       string   `json:"tier"`
	Columns    int      `json:"columns"`
	PrimaryKey []string `json:"primary_key"`
	Rows       int64    `json:"rows"`
}

type inspectedTier struct {
	Name          string `json:"name"`
	Tables        int    `json:"tables"`
	Rows          int64  `json:"rows"`
	DeadRows      int64  `json:"dead_rows"`
	MemoryBytes   int64  `json:"memory_bytes"`
	IndexBytes    int64  `json:"index_bytes"`
	SnapshotBytes int64  `json:"snapshot_bytes"`
	Files         int64  `json:"files"`
	FileBytes     int64  `json:"file_bytes"`
}

type inspectedCheck struct {
	LSN      table.LSN            `json:"lsn"`
	Time     string               `json:"time,omitempty"`
	Position string               `json:"log_position"`
	Bytes    int64                `json:"bytes"`
	Tiers    map[string]table.LSN `json:"tier_lsns"`
}

type inspectedLog struct {
	FirstLSN    table.LSN     `json:"first_lsn"`
	LastLSN     table.LSN     `json:"last_lsn"`
	Records     int64         `json:"records"`
	Bytes       int64         `json:"bytes"`
	ReadyBytes  int64         `json:"ready_bytes"`
	ClosedClean bool          `json:"closed_clean"`
	Files       []inspectFile `json:"files"`
	Ready       []string      `json:"ready_files"`
}

type inspectFile struct {
	Name    string `json:"name"`
	Epoch   uint32 `json:"epoch"`
	Bytes   int64  `json:"bytes"`
	Used    uint32 `json:"used_bytes"`
	Records int64  `json:"records"`
}

func newInspect() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show what a directory holds: tables, tiers, checkpoint, log",
		Long:  "Opens the database for reading, counts the rows of every table, and reads the log from its beginning.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			i, err := inspect(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(i)
			}
			return i.print(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// inspect reads a directory, which it holds locked meanwhile.
func inspect(ctx context.Context, dir string) (i *inspection, err error) {
	db, err := lamina.Open(dir, &lamina.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	i = &inspection{Directory: dir}
	size, err := db.Storage().Size(ctx)
	if err != nil {
		return nil, err
	}
	i.Sizes = fileSizesOf(size)
	if err := i.tables(ctx, db); err != nil {
		return nil, err
	}
	m := db.Metrics()
	i.LSN = m.PublishedLSN
	for _, t := range m.Tiers {
		i.Tiers = append(i.Tiers, inspectedTier{
			t.Name, t.Tables, t.Rows, t.DeadRows, t.MemoryBytes, t.IndexBytes, t.SnapBytes, t.Files, t.FileBytes,
		})
	}
	i.report(db.Storage().Report())
	if err := i.checkpoint(dir); err != nil {
		return nil, err
	}
	return i, i.log(dir)
}

func (i *inspection) tables(ctx context.Context, db *lamina.DB) error {
	tx, err := db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	schema := tx.Schema()
	for _, o := range schema.List(table.KindTable) {
		def, ok := o.(*table.TableDef)
		if !ok {
			continue
		}
		t := inspectedTable{Name: def.Name, Tier: def.Method, Columns: len(def.Columns), PrimaryKey: []string{}}
		if s := schema.ByID(def.Schema); s != nil {
			t.Schema = s.Head().Name
		}
		for _, k := range def.PrimaryKey() {
			t.PrimaryKey = append(t.PrimaryKey, def.Columns[k].Name)
		}
		i.Tables = append(i.Tables, t)
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	for k := range i.Tables {
		t := &i.Tables[k]
		if err := countRows(ctx, db, t); err != nil {
			return err
		}
	}
	return nil
}

func countRows(ctx context.Context, db *lamina.DB, t *inspectedTable) error {
	rows, err := db.Query(ctx, "SELECT count(*) FROM "+identifier(t.Schema)+"."+identifier(t.Name))
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := rows.Scan(&t.Rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return rows.Close()
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (i *inspection) checkpoint(dir string) error {
	c, err := store.InspectCheckpoint(vfs.Default, dir)
	if c == nil || err != nil {
		return err
	}
	i.Checkpoint = &inspectedCheck{LSN: c.LSN, Position: c.Position.String(), Bytes: c.Bytes, Tiers: c.Tiers}
	if !c.Time.IsZero() {
		i.Checkpoint.Time = c.Time.Format(time.RFC3339Nano)
	}
	return nil
}

func (i *inspection) log(dir string) error {
	l := &i.Log
	r, err := wal.Scan(vfs.Default, store.LogDir(vfs.Default, dir), 0, func(r *wal.Record) error {
		if r.LSN != 0 && l.FirstLSN == 0 {
			l.FirstLSN = r.LSN
		}
		l.LastLSN = max(l.LastLSN, r.LSN)
		return nil
	})
	if err != nil {
		return err
	}
	l.Records, l.Bytes, l.ReadyBytes, l.ClosedClean = r.Records, r.LogBytes, r.OtherBytes, r.Sealed
	l.Ready = r.Other
	for _, f := range r.Files {
		l.Files = append(l.Files, inspectFile{f.Name, f.Epoch, f.Bytes, f.End, f.Records})
	}
	return nil
}

// sortedTiers prints the LSNs of tiers in the order of their names.
func (c *inspectedCheck) sortedTiers() []string { return slices.Sorted(maps.Keys(c.Tiers)) }
