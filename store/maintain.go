package store

import (
	"context"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// lockWaits is the wait graph of the lock manager, an entry an edge.
func (s *Store) lockWaits() []table.LockWait {
	var out []table.LockWait
	for _, w := range s.locks.Waits() {
		for _, by := range w.BlockedBy {
			out = append(out, table.LockWait{Waiter: w.Owner, Holder: by})
		}
	}
	return out
}

// Features says what the store can do.
func (s *Store) Features() table.Features {
	return table.Features{
		Durable: s.dir != nil, Savepoints: true, RowLocks: true, Serializable: true, Load: true, Analyze: true,
		DefaultMethod: s.defaultMethod,
		Backup:        s.dir != nil,
		Reasons: map[string]string{
			"Durable": "a database without a directory is gone at the end",
			"Backup":  "a database without a directory has no files",
			"Changes": "the log has no readers besides recovery",
			"AsOf":    "versions below the oldest View are freed",
			"Compact": "there are no segments to merge",
		},
	}
}

// Analyze refreshes the estimates of a table: they are kept up to date as rows are applied.
func (s *Store) Analyze(_ context.Context, id table.ObjectID) error {
	_, err := s.existing(id)
	return err
}

// Compact answers 0A000: there are no segments.
func (s *Store) Compact(_ context.Context, id table.ObjectID) error {
	if _, err := s.existing(id); err != nil {
		return err
	}
	return sqlerr.Unsupported("compaction of a table without segments")
}

func (s *Store) existing(id table.ObjectID) (*table.TableDef, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if def := s.newest().Table(id); def != nil {
		return def, nil
	}
	return nil, catalog.ErrNoObject(id)
}
