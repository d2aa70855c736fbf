package columnar

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/table/tabletest"
	"github.com/laminadb/lamina/types"
)

// encodeKey is the encoding of keys.
func encodeKey(values types.Row) (key []byte) {
	for i, d := range values {
		key = index.AppendDatum(key, d, i == len(values)-1)
	}
	return key
}

// localRecord is a node-local record with the LSN that had been applied before it.
type localRecord struct {
	after   table.LSN
	kind    RecordKind
	payload []byte
}

// localLog holds the node-local records of tiers that are opened one after the other on the same files.
type localLog struct {
	list                 []localRecord
	flushes, compactions int
}

// driven is a tier that seals, flushes and compacts between records, in one goroutine: as often as can be.
type driven struct {
	*Tier
	log      *localLog
	every    int // records
	n        int
	replayed int // records of log
	reading  bool
}

func openDriven(fs vfs.FS, log *localLog, every int) (*driven, error) {
	if err := fs.MkdirAll("tier", 0o755); err != nil {
		return nil, err
	}
	if err := syncDir(fs, ""); err != nil {
		return nil, err
	}
	t, err := Open(Options{
		Tracker: mem.NewTracker("test", 0), FS: fs, Dir: "tier", DeltaRows: 1, SegmentRows: 7,
		Failed: func(err error, _ bool) { panic(err) },
	})
	if err != nil {
		return nil, err
	}
	d := &driven{Tier: t, log: log, every: every}
	t.jobs.host = d
	return d, nil
}

// View implements Host.
func (d *driven) View() (table.LSN, func()) {
	lsn := d.space.Applied()
	s := d.Tier.Snapshot(lsn).(*snapshot)
	return lsn, s.Release
}

// Log implements Host.
func (d *driven) Log(_ context.Context, kind RecordKind, payload []byte, apply func(table.LSN) error) error {
	lsn := d.space.Applied()
	if kind != NoRecord {
		d.log.list = append(d.log.list, localRecord{lsn, kind, payload})
		d.replayed = len(d.log.list)
		if kind == FlushRecord {
			d.log.flushes++
		} else {
			d.log.compactions++
		}
	}
	return apply(lsn)
}

// catchUp replays the node-local records before a record.
func (d *driven) catchUp(lsn table.LSN) error {
	for ; d.replayed < len(d.log.list) && d.log.list[d.replayed].after < lsn; d.replayed++ {
		if r := d.log.list[d.replayed]; !d.reading {
			if err := d.Replay(r.kind, r.payload); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *driven) Define(lsn table.LSN, def *table.TableDef) error {
	if err := d.catchUp(lsn); err != nil {
		return err
	}
	return d.Tier.Define(lsn, def)
}

func (d *driven) Drop(lsn table.LSN, id table.ObjectID) error {
	if err := d.catchUp(lsn); err != nil {
		return err
	}
	return d.Tier.Drop(lsn, id)
}

func (d *driven) Apply(lsn table.LSN, e *table.Entry) error {
	if err := d.catchUp(lsn); err != nil {
		return err
	}
	return d.Tier.Apply(lsn, e)
}

// Snapshot is taken between records.
func (d *driven) Snapshot(lsn table.LSN) table.TierSnapshot {
	if !d.reading {
		if err := d.catchUp(table.MaxLSN); err != nil {
			panic(err)
		}
		d.reading = true
	}
	if d.n++; d.n%d.every == 0 {
		if err := d.drive(lsn); err != nil {
			panic(err)
		}
	}
	return d.Tier.Snapshot(lsn)
}

// drive flushes all memtables and compacts what is due.
func (d *driven) drive(lsn table.LSN) error {
	if err := d.Recovered(); err != nil {
		return err
	}
	for _, st := range *d.tables.Load() {
		if st.inc.cur.Load().mems[0].Live() > 0 {
			st.inc.seal(lsn)
		}
		if err := st.inc.flushSealed(context.Background()); err != nil {
			return err
		}
		for class := range classes {
			if err := st.inc.compactDue(context.Background(), class); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestConformance(t *testing.T) {
	tabletest.ConformTier(t, tabletest.TierOptions{Key: encodeKey, Durable: true, Open: func(fs vfs.FS) (table.Tier, error) {
		d, err := openDriven(fs, &localLog{}, 1<<30)
		return d, err
	}})
}

// TestConformanceFlushed runs the same rules while rows move to segments between the records.
func TestConformanceFlushed(t *testing.T) {
	logs := map[vfs.FS]*localLog{}
	for _, every := range []int{1, 2, 3} {
		tabletest.ConformTier(t, tabletest.TierOptions{Key: encodeKey, Durable: true, Open: func(fs vfs.FS) (table.Tier, error) {
			if logs[fs] == nil {
				logs[fs] = &localLog{}
			}
			d, err := openDriven(fs, logs[fs], every)
			return d, err
		}})
	}
	flushes, compactions := 0, 0
	for _, l := range logs {
		flushes += l.flushes
		compactions += l.compactions
	}
	if flushes < 40 {
		t.Errorf("%d flushes, %d compactions", flushes, compactions)
	}
	t.Logf("%d flushes, %d compactions", flushes, compactions)
}
