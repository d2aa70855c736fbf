package oltp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laminadb/lamina/benchmarks/machine"
)

// Options say how much is measured; all must be set.
type Options struct {
	// Dir is a folder on a disk.
	Dir string
	// Rounds of every case, and how long each takes.
	Rounds    int
	RoundTime time.Duration
	// Rows that are there before.
	Rows int64
	// Progress is told what is done.
	Progress func(string)
}

// The sizes of the work.
const (
	manyClients = 64
	updateRows  = 100
	// insertBase is where the keys of inserted rows begin, far above those of the rows that are there
	// before.
	insertBase = 1 << 40
)

// Result is what was measured.
type Result struct {
	Cases []*Case
	// Settings are what the systems say of themselves.
	Settings []string
}

// Work names, which group the cases.
const (
	Insert1   = "durable INSERT of one row, 1 client"
	Insert64  = "durable INSERT of one row, 64 clients"
	Get       = "read of one row by key"
	GetBeside = "read of one row by key beside a durable writer"
	Update    = "durable UPDATE of 100 rows by key"
	// The rows lie in segments, which are in the cache, or for the most part not.
	GetSegments    = "read of one row by key in cached segments"
	GetUncached    = "read of one row by key in segments 10 times the cache"
	UpdateSegments = "durable UPDATE of 100 rows by key in segments"
	GetLSM         = "read of one row by key in an LSM table"
)

// The systems.
const (
	Lamina = "Lamina"
	SQLite = "SQLite"
	Bolt   = "bbolt"
	Pebble = "Pebble"
	Bare   = "append + fdatasync"
)

// Notes of the reads that are compared with each other: what is there in one system with that note is the same
// in the other.
const (
	OneSnapshot   = "one snapshot held"
	SnapshotEach  = "a snapshot each"
	PreparedQuery = "prepared SELECT"
	PreparedStd   = "prepared SELECT, database/sql"
	KnownText     = "SELECT of a known text, not prepared"
	NewText       = "SELECT of a text never seen"
)

// systems are the databases that are measured.
type systems struct {
	bare   *bare
	sqlite *sqlite
	bolt   *bolt
	lamina *laminaDB
	// segments has all rows in segments, uncached hardly a cache.
	segments, uncached *laminaDB
	lsm                *laminaDB
	pebble             *rawPebble
}

func (s *systems) close() error {
	var errs []error
	for _, l := range []*laminaDB{s.lamina, s.segments, s.uncached, s.lsm} {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	if s.pebble != nil {
		errs = append(errs, s.pebble.db.Close())
	}
	if s.bolt != nil {
		errs = append(errs, s.bolt.close())
	}
	if s.sqlite != nil {
		errs = append(errs, s.sqlite.close())
	}
	if s.bare != nil {
		errs = append(errs, s.bare.close())
	}
	return errors.Join(errs...)
}

func (s *systems) open(ctx context.Context, o Options) (err error) {
	if s.bare, err = openBare(o.Dir); err != nil {
		return err
	}
	if s.sqlite, err = openSQLite(ctx, o.Dir, o.Rows); err != nil {
		return err
	}
	if s.bolt, err = openBolt(o.Dir, o.Rows); err != nil {
		return err
	}
	if s.lamina, err = openLamina(ctx, o.Dir, manyClients, o.Rows); err != nil {
		return err
	}
	if s.segments, err = openSegments(ctx, o.Dir, o.Rows, 0); err != nil {
		return err
	}
	if s.uncached, err = openSegments(ctx, o.Dir, o.Rows, uncachedMemory); err != nil {
		return err
	}
	if s.lsm, err = openLSM(ctx, o.Dir, o.Rows); err != nil {
		return err
	}
	s.pebble, err = openPebble(o.Dir, o.Rows)
	return err
}

// Run measures everything. It refuses a folder that is not on a disk.
func Run(ctx context.Context, o Options) (r Result, err error) {
	if _, err := machine.FileSystem(o.Dir); err != nil {
		return r, err
	}
	o.Progress("small transactions: filling")
	s := &systems{}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx, o); err != nil {
		return r, err
	}
	r.Settings = []string{s.lamina.gotBack, s.sqlite.gotBack, s.bolt.gotBack,
		fmt.Sprintf("Pebble v2: %d MiB of block cache, filters of %d bits a key", pebbleCache>>20, pebbleBits)}
	r.Cases = s.cases(o.Rows)
	for round := range o.Rounds {
		// Every other round goes backwards: what comes first in a round is not always the same.
		for i := range r.Cases {
			c := r.Cases[i]
			if round%2 == 1 {
				c = r.Cases[len(r.Cases)-1-i]
			}
			o.Progress(c.Work + ": " + c.System)
			if err := c.round(ctx, o.RoundTime); err != nil {
				return r, err
			}
		}
	}
	for _, c := range r.Cases {
		if err := c.check(); err != nil {
			return r, err
		}
	}
	return r, nil
}
