package tabletest

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TierOptions say which tier is tested.
type TierOptions struct {
	// Open opens the tier; fs is nil if Durable is false.
	Open    func(fs vfs.FS) (table.Tier, error)
	Durable bool
	// Key encodes the values of a key, as entries and look-ups have them.
	Key func(values types.Row) []byte
}

// tierRules are the cases of the inner contract.
var tierRules = []struct {
	name    string
	durable bool
	check   func(f *tierFixture)
}{
	{"snapshots do not change", false, checkTierSnapshots},
	{"newest versions", false, checkTierNewest},
	{"keys move in one record", false, checkTierMoves},
	{"rows and references", false, checkTierRows},
	{"scans", false, checkTierScans},
	{"truncate and drop", false, checkTierTruncate},
	{"definitions", false, checkTierDefine},
	{"garbage", false, checkTierGarbage},
	{"checkpoint, restart, replay", true, checkTierReplay},
	{"checkpoint of a pinned snapshot", true, checkTierPinned},
}

// tierRulesMin is the least number of cases that a tier runs.
const tierRulesMin = 8

// ConformTier checks the rules of the inner contract, table.Tier, one by one.
func ConformTier(t *testing.T, o TierOptions) {
	t.Helper()
	ran := 0
	for _, r := range tierRules {
		t.Run(r.name, func(t *testing.T) {
			if r.durable && !o.Durable {
				t.Skip("Durable: rows of the tier end with the process")
			}
			ran++
			r.check(newTierFixture(t, &o))
		})
	}
	if ran < tierRulesMin && !filtered() {
		t.Errorf("only %d cases ran", ran)
	}
}

// tierFixture is a tier and the log that it is fed from.
type tierFixture struct {
	t    *testing.T
	ctx  context.Context
	o    *TierOptions
	fs   *vfs.MemFS
	tier table.Tier
	lsn  table.LSN
	log  []tierRecord
}

// tierRecord is what happened at one LSN.
type tierRecord struct {
	lsn     table.LSN
	def     *table.TableDef
	drop    table.ObjectID
	entries []table.Entry
}

const tierTable table.ObjectID = 20000

func newTierFixture(t *testing.T, o *TierOptions) *tierFixture {
	f := &tierFixture{t: t, ctx: context.Background(), o: o}
	if o.Durable {
		f.fs = vfs.NewCrashableMem()
	}
	f.open()
	t.Cleanup(func() {
		f.must(f.tier.Close())
		if f.tier.Close() == nil {
			t.Error("a tier is closed twice")
		}
	})
	d := items("t")
	d.ID, d.Version, d.Kind = tierTable, 1, table.KindTable
	f.do(tierRecord{def: d})
	return f
}

func (f *tierFixture) open() {
	f.t.Helper()
	var fs vfs.FS
	if f.fs != nil {
		fs = f.fs
	}
	tier, err := f.o.Open(fs)
	f.must(err)
	f.tier = tier
}

func (f *tierFixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *tierFixture) equal(what string, got, want any) {
	f.t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		f.t.Fatalf("%s: got %s, want %s", what, g, w)
	}
}

// do writes a record at the next LSN and applies it.
func (f *tierFixture) do(r tierRecord) table.LSN {
	f.t.Helper()
	f.lsn++
	r.lsn = f.lsn
	f.log = append(f.log, r)
	f.replay(r)
	f.tier.Snapshot(r.lsn) // as it is published
	return r.lsn
}

// replay applies a record, for the first time or again.
func (f *tierFixture) replay(r tierRecord) {
	f.t.Helper()
	if r.def != nil {
		f.must(f.tier.Define(r.lsn, r.def))
	}
	for i := range r.entries {
		f.must(f.tier.Apply(r.lsn, &r.entries[i]))
	}
	if r.drop != 0 {
		f.must(f.tier.Drop(r.lsn, r.drop))
	}
}

func (f *tierFixture) entry(op table.EntryOp, keys []int64, rows ...types.Row) table.Entry {
	e := table.Entry{Table: tierTable, Version: 1, Op: op}
	for _, k := range keys {
		e.Keys.Append(f.o.Key(idOf(k)))
	}
	if len(rows) > 0 {
		var err error
		e.Rows, err = batchOf(items("t"), itemCols, rows)
		f.must(err)
	}
	return e
}

func (f *tierFixture) insert(rows ...types.Row) table.LSN {
	return f.do(tierRecord{entries: []table.Entry{f.entry(table.OpInsertRows, nil, rows...)}})
}

func (f *tierFixture) update(key int64, row types.Row) table.LSN {
	return f.do(tierRecord{entries: []table.Entry{f.entry(table.OpUpdateRows, []int64{key}, row)}})
}

func (f *tierFixture) delete(keys ...int64) table.LSN {
	return f.do(tierRecord{entries: []table.Entry{f.entry(table.OpDeleteRows, keys)}})
}

// snapshot returns the table as of now.
func (f *tierFixture) snapshot() table.TableSnapshot { return f.tier.Snapshot(f.lsn).Table(tierTable) }

// rows returns what a snapshot shows, by a scan and, which must be the same, by its keys.
func (f *tierFixture) rows(ts table.TableSnapshot) string {
	f.t.Helper()
	all, err := scanAll(f.ctx, snapshotReader{TableSnapshot: ts}, table.ScanSpec{Refs: true})
	f.must(err)
	for i, ref := range all.refs {
		key := ts.AppendKey(nil, ref)
		got, ok := ts.Get(key)
		if !ok || got != ref {
			f.t.Fatalf("row %s is found by its key as %d, %v; the scan says %d", all.rows[i], got, ok, ref)
		}
		if text := textOf(ts.Def(), ts.AppendRow(nil, ref, itemCols)); text != all.rows[i] {
			f.t.Fatalf("row %s is %s by reference", all.rows[i], text)
		}
	}
	return joinRows(all)
}

// snapshotReader lets the functions that read a table.Reader read a snapshot.
type snapshotReader struct {
	table.Reader
	table.TableSnapshot
}

func (r snapshotReader) Def() *table.TableDef { return r.TableSnapshot.Def() }

func (r snapshotReader) Scan(_ context.Context, spec table.ScanSpec) (table.Scan, error) {
	return r.TableSnapshot.Scan(&spec)
}

func (r snapshotReader) Get(context.Context, types.Row, []int, types.Row) (types.Row, error) {
	return nil, table.ErrNotFound
}

func (r snapshotReader) Fetch(_ context.Context, refs []table.RowRef, cols []int, dst *vec.Batch) error {
	return r.TableSnapshot.Fetch(refs, cols, dst)
}

func (r snapshotReader) Stats(context.Context) (table.Stats, error) {
	return r.TableSnapshot.Stats(), nil
}

func (f *tierFixture) start() {
	f.insert(item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three"))
}
