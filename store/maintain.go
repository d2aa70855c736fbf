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
		Durable: s.dir != nil, Savepoints: true, RowLocks: true, Serializable: true, Load: true, Analyze: true, Compact: s.dir != nil,
		DefaultMethod: s.defaultMethod,
		Backup:        s.dir != nil,
		Reasons: map[string]string{
			"Durable": "a database without a directory is gone at the end",
			"Backup":  "a database without a directory has no files",
			"Changes": "the log has no readers besides recovery",
			"AsOf":    "versions below the oldest View are freed",
			"Compact": "a database without a directory has no segments",
		},
	}
}

// Compact writes the rows of a columnar table to as few segments as hold them. Tables of other tiers have nothing to gain.
func (s *Store) Compact(ctx context.Context, id table.ObjectID) error {
	def, err := s.existing(id)
	if err != nil {
		return err
	}
	if s.readOnly {
		return errReadOnly("compaction")
	}
	if s.dir == nil {
		return sqlerr.Unsupported("compaction in a database without a directory")
	}
	if f := s.tiers[s.tierOf(def.Method)].compact; f != nil {
		return f(ctx, id)
	}
	return nil
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
