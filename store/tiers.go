package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// tiersDirName is the folder of the tiers' own files.
const tiersDirName = "columnar"

// memoryFor returns a new tracker of memory for one use.
func (s *Store) memoryFor(use string) *mem.Tracker {
	t := s.mem.Child(use, 0)
	s.memFor = append(s.memFor, t)
	return t
}

// addTiers opens the tiers: that of memory tables, and with a directory that of columnar ones.
func (s *Store) addTiers(d *directory) error {
	memory, err := rowstore.Open(rowstore.Options{Name: "memory", Tracker: s.memoryFor("memory tables")})
	if err != nil {
		return err
	}
	s.tiers = append(s.tiers, tier{Tier: memory, method: "memory"})
	if d == nil {
		return nil
	}
	path := d.join(tiersDirName)
	if _, err := d.fs.Stat(path); err != nil && !s.readOnly {
		if err := d.fs.MkdirAll(path, 0o755); err != nil {
			return fileError("create directory", path, err)
		}
		if err := syncDir(d.fs, d.path); err != nil {
			return err
		}
	}
	columnar, err := rowstore.Open(rowstore.Options{
		Name: "columnar", Tracker: s.memoryFor("columnar tables"), Durable: true,
		FS: d.fs, Dir: path, BeforeSync: s.logBeforeData, ReadOnly: s.readOnly,
	})
	if err != nil {
		return err
	}
	s.tiers = append(s.tiers, tier{
		Tier: columnar, method: "columnar", durable: true, verify: columnar.Verify, recovered: columnar.Recovered,
	})
	return nil
}

// logBeforeData makes the log durable up to an LSN before a file with what that LSN did is synced:
// no tier is ever ahead of the log.
func (s *Store) logBeforeData(upTo table.LSN) error {
	if s.pipeline == nil {
		return sqlerr.New(sqlerr.InternalError, "a tier writes files while the log is not open")
	}
	if invariants.Mutant("store-data-before-log") {
		return nil
	}
	return s.pipeline.EnsureDurable(context.Background(), upTo)
}

// defineAll tells a tier of all its tables as of an LSN.
func (s *Store) defineAll(t *tier, lsn table.LSN, c *catalog.Catalog) error {
	var errs []error
	for _, o := range c.List(table.KindTable) {
		if def := o.(*table.TableDef); def.Method == t.method {
			errs = append(errs, t.Define(lsn, def))
		}
	}
	return errors.Join(errs...)
}
