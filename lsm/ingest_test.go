package lsm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// loadedRows and so on are the records of the tests of loads.
const (
	loadedRows, loadedRecords = 3000, 5
	loadedMemtable            = 256 << 10
)

// loadRecord applies a record of rows whose keys follow those of the record before, in order or not, with texts that are
// unique.
func loadRecord(tier *Tier, record int, ordered bool) error {
	rng := rand.New(rand.NewPCG(uint64(record), 7))
	ids := rng.Perm(loadedRows)
	for from := 0; from < loadedRows; from += 1000 {
		bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Text)}, 1000, nil)
		for i := from; i < from+1000; i++ {
			id := int64(record * loadedRows)
			if ordered {
				id += int64(i)
			} else {
				id += int64(ids[i])
			}
			row := types.Row{types.NewInt(types.Int8, id), types.NewString(types.Text, loadedText(id))}
			if err := bb.AppendRow(row); err != nil {
				return err
			}
		}
		e := &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}
		if err := tier.Apply(table.LSN(record+2), e); err != nil {
			return err
		}
	}
	tier.Snapshot(table.LSN(record + 2)).(table.SnapshotReleaser).Release()
	return nil
}

func loadedText(id int64) string { return fmt.Sprintf("%0100d", id*7919%1_000_003) }

func loadedDef() *table.TableDef {
	return &table.TableDef{
		Header:  table.Header{ID: 20000, Kind: table.KindTable, Name: "t", Version: 1},
		Columns: []table.Column{{Name: "id", Type: types.T(types.Int8), NotNull: true}, {Name: "v", Type: types.T(types.Text)}},
		Keys: []table.Key{
			{Name: "t_pkey", Primary: true, Columns: []int{0}}, {Name: "t_v_key", Columns: []int{1}},
		},
	}
}

func openLoaded(fs vfs.FS) (*Tier, error) {
	tier, err := Open(Options{FS: fs, Dir: "tier", MemtableBytes: loadedMemtable})
	if err == nil {
		err = tier.Define(1, loadedDef())
	}
	return tier, err
}

// checkLoaded looks all rows up, by key, by the unique text and by scan, and reads everything.
func checkLoaded(t *testing.T, tier *Tier, records int) {
	t.Helper()
	s := tier.Snapshot(table.LSN(records + 1))
	defer s.(table.SnapshotReleaser).Release()
	ts := s.Table(20000)
	for id := int64(0); id < int64(records*loadedRows); id += 101 {
		key := index.AppendDatum(nil, types.NewInt(types.Int8, id), true)
		text := index.AppendDatum(nil, types.NewString(types.Text, loadedText(id)), true)
		ref, ok := ts.Get(key)
		other, found := ts.NewestUnique(1, text)
		if !ok || !found || other != ref {
			t.Fatalf("row %d: %v %v %v %v", id, ref, ok, other, found)
		}
		if row := ts.AppendRow(nil, ref, []int{0, 1}); row[0].I != id || row[1].S != loadedText(id) {
			t.Fatalf("row %d is %v", id, row)
		}
	}
	if _, _, live, _ := ts.Newest(index.AppendDatum(nil, types.NewInt(types.Int8, int64(records*loadedRows)-1), true)); !live {
		t.Error("the row of the greatest key is not found")
	}
	if _, _, _, found := ts.Newest(index.AppendDatum(nil, types.NewInt(types.Int8, int64(records*loadedRows)), true)); found {
		t.Error("a row that is not there is found")
	}
	if n := ts.Stats().Rows; n != float64(records*loadedRows) {
		t.Errorf("%v rows", n)
	}
	if n, err := tier.Verify(context.Background(), func(d table.Damage) bool {
		t.Errorf("%+v", d)
		return true
	}); err != nil || n < 3*records*loadedRows {
		t.Errorf("%d entries, %v", n, err)
	}
}

func ingestedFiles(m *pebble.Metrics) (files, lowest uint64) {
	for i := range m.Levels {
		files += m.Levels[i].TablesIngested
	}
	return files, m.Levels[len(m.Levels)-1].TablesIngested
}

// TestLoadsBecomeFiles: rows that come in the order of their keys become files of the last level at once; others become files,
// too. Deleted rows are not found above the greatest key, nor after the tier was opened again.
func TestLoadsBecomeFiles(t *testing.T) {
	for _, ordered := range []bool{true, false} {
		fs := vfs.NewMem()
		tier, err := openLoaded(fs)
		for r := 0; err == nil && r < loadedRecords; r++ {
			err = loadRecord(tier, r, ordered)
		}
		if err != nil {
			t.Fatal(err)
		}
		if files, lowest := ingestedFiles(tier.db.Load().Metrics()); files < 3*loadedRecords || ordered && lowest == 0 {
			t.Errorf("%d files, %d of them of the last level", files, lowest)
		}
		checkLoaded(t, tier, loadedRecords)
		closed(t, tier)
		if tier, err = openLoaded(fs); err != nil {
			t.Fatal(err)
		}
		for r := range loadedRecords { // what was flushed is left out
			if err := loadRecord(tier, r, ordered); err != nil {
				t.Fatal(err)
			}
		}
		checkLoaded(t, tier, loadedRecords)
		closed(t, tier)
	}
}

// TestLoadsSurvivePowerLoss: power is lost at any point of loads. What is durable is a prefix of the records, and perhaps a part
// of the next one; the others are applied again.
func TestLoadsSurvivePowerLoss(t *testing.T) {
	const crashes = 50
	rng := rand.New(rand.NewPCG(11, 12))
	points, parts, prefixes := 0, 0, map[table.LSN]bool{}
	for round := 0; points < crashes; round++ {
		fs := vfs.NewCrashableMem()
		ordered := round%2 == 0
		left := crashesDuring(t, fs, rng, ordered)
		for _, fs := range left[:min(len(left), crashes-points)] {
			tier, err := openLoaded(fs)
			if err != nil {
				t.Fatal(err)
			}
			points++
			if tier.opened.partial != 0 {
				parts++
			}
			prefixes[tier.opened.lsn] = true
			for r := range loadedRecords {
				if err := loadRecord(tier, r, ordered); err != nil {
					t.Fatal(err)
				}
			}
			if err := tier.Recovered(); err != nil {
				t.Error(err)
			}
			checkLoaded(t, tier, loadedRecords)
			closed(t, tier)
		}
	}
	if parts == 0 || len(prefixes) < loadedRecords/2 {
		t.Errorf("%d crashes within a record, %d prefixes", parts, len(prefixes))
	}
	t.Logf("%d crashes, %d of them within a record, %d prefixes", points, parts, len(prefixes))
}

// crashesDuring returns what power losses during loads leave.
func crashesDuring(t *testing.T, fs *vfs.MemFS, rng *rand.Rand, ordered bool) (clones []*vfs.MemFS) {
	t.Helper()
	point := &crashFS{FS: fs, rng: rng, lose: func() {
		clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}))
	}}
	tier, err := openLoaded(point)
	if err != nil {
		t.Fatal(err)
	}
	point.begin(true)
	for r := range loadedRecords {
		if err := loadRecord(tier, r, ordered); err != nil {
			t.Fatal(err)
		}
	}
	point.begin(false)
	closed(t, tier)
	return clones
}

// crashFS has power losses when files are made, linked and removed.
type crashFS struct {
	vfs.FS
	mu   sync.Mutex
	rng  *rand.Rand
	from bool
	lose func()
}

func (fs *crashFS) begin(yes bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.from = yes
}

func (fs *crashFS) point() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.from && fs.rng.IntN(4) == 0 {
		fs.lose()
	}
}

func (fs *crashFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	fs.point()
	return fs.FS.Create(name, c)
}

func (fs *crashFS) Link(from, to string) error {
	fs.point()
	err := fs.link(from, to)
	fs.point()
	return err
}

// link links alone: vfs.MemFS takes its lock for reading twice, and waits forever if somebody begins a clone in between.
func (fs *crashFS) link(from, to string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.FS.Link(from, to)
}

func (fs *crashFS) Remove(name string) error {
	fs.point()
	return fs.FS.Remove(name)
}

func (fs *crashFS) OpenDir(name string) (vfs.File, error) {
	fs.point()
	return fs.FS.OpenDir(name)
}
