package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// openLoads opens a store in which 30 rows are loaded as files, and nothing happens by itself.
func openLoads(t *testing.T, fs *waltest.CrashFS) *Store {
	t.Helper()
	return must(Open(table.Columnar{
		Dir: "db", DeltaRows: 160, SegmentRows: 40, DisableCompaction: true,
		Common: table.Common{FS: fs, LogFileBytes: 64 << 10, MemoryBytes: 64 << 20, LogBytesMax: 1 << 30},
	}))(t).(*Store)
}

// loadSetUp makes table b with rows in segments (5000 to 5089) and in a memtable (1 and 2, with u 901 and 902).
func loadSetUp(t *testing.T, fs *waltest.CrashFS) *workload {
	t.Helper()
	w := &workload{o: newOracle(), s: openLoads(t, fs)}
	must(0, errors.Join(
		w.setUp(),
		w.in(nil, func(x *workTx) error { return x.load("b", loadedRows(5000, 90)) }),
		w.in(nil, func(x *workTx) error { return x.insert("b", map[int64]modelRow{1: {901, "delta"}, 2: {902, "delta"}}) }),
	))(t)
	if n := loadRecords(t, w.s); n != 1 {
		t.Fatalf("%d loads", n)
	}
	return w
}

// with adds a row to others.
func with(rows map[int64]modelRow, id int64, r modelRow) map[int64]modelRow {
	rows[id] = r
	return rows
}

// failedLoads are transactions that load rows into b as files, and do not commit them.
func failedLoads(t *testing.T, w *workload) map[string]func(x *workTx) error {
	fresh := func() map[int64]modelRow { return loadedRows(7000, 100) }
	load := func(f func(ctx context.Context, x *workTx, st table.Statement, l table.Loader) error) func(x *workTx) error {
		return func(x *workTx) error {
			def := must(x.def("b"))(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			return statement(x.tx, func(st table.Statement) error {
				l, err := must(st.Writer(ctx, def.ID))(t).Load(ctx, table.LoadOptions{RowsExpected: 100})
				must(0, err)(t)
				for id := range int64(100) {
					b, _, err := batchOf(def, []int64{7000 + id}, map[int64]modelRow{7000 + id: {v: "x"}})
					must(0, errors.Join(err, l.Append(ctx, b)))(t)
				}
				if err := f(ctx, x, st, l); err != nil {
					return err
				}
				cancel()
				return errGiveUp
			})
		}
	}
	return map[string]func(x *workTx) error{
		"rolled back": func(x *workTx) error { return errors.Join(x.load("b", fresh()), errGiveUp) },
		"settled": func(x *workTx) error {
			return errors.Join(x.load("b", fresh()), x.delete("b", []int64{7003}), errGiveUp)
		},
		"dropped":    func(x *workTx) error { return errors.Join(x.load("b", fresh()), x.drop("b"), errGiveUp) },
		"created":    func(x *workTx) error { return errors.Join(x.create("d"), x.load("d", fresh()), errGiveUp) },
		"aborted":    load(func(_ context.Context, _ *workTx, _ table.Statement, l table.Loader) error { return l.Abort() }),
		"unfinished": load(func(context.Context, *workTx, table.Statement, table.Loader) error { return nil }),
		"canceled": load(func(ctx context.Context, _ *workTx, st table.Statement, l table.Loader) error {
			gone, cancel := context.WithCancel(ctx)
			cancel()
			_, err := l.Finish(gone)
			if sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
				t.Errorf("a canceled load: %v", err)
			}
			return nil
		}),
		"closed with an error": load(func(context.Context, *workTx, table.Statement, table.Loader) error { return errGiveUp }),
		"back to a savepoint": func(x *workTx) error {
			sp := must(x.tx.Savepoint(t.Context()))(t)
			must(0, x.load("b", fresh()))(t)
			return errors.Join(sp.RollbackTo(t.Context()), errGiveUp)
		},
		"23505 in the load, near":   func(x *workTx) error { return x.load("b", with(fresh(), 7200, modelRow{u: 7001})) },
		"23505 in the load, far":    func(x *workTx) error { return x.load("b", with(loadedRows(7000, 200), 9000, modelRow{u: 7007})) },
		"23505 with a segment":      func(x *workTx) error { return x.load("b", with(fresh(), 5003, modelRow{})) },
		"23505 with u in a segment": func(x *workTx) error { return x.load("b", with(fresh(), 7200, modelRow{u: 5044})) },
		"23505 with the delta":      func(x *workTx) error { return x.load("b", with(fresh(), 1, modelRow{})) },
		"23505 with u in the delta": func(x *workTx) error { return x.load("b", with(fresh(), 7200, modelRow{u: 902})) },
		"23505 with an own row": func(x *workTx) error {
			return errors.Join(x.insert("b", map[int64]modelRow{7010: {}}), x.load("b", fresh()))
		},
		"23505 with an own u": func(x *workTx) error {
			return errors.Join(x.insert("b", map[int64]modelRow{1: {}, 8000: {u: 7010}}), x.load("b", fresh()))
		},
		"23505 after an own load": func(x *workTx) error {
			return errors.Join(x.load("b", fresh()), x.load("b", with(loadedRows(8000, 50), 7099, modelRow{})))
		},
	}
}

// filesOf lists what lies in the folder of columnar tables.
func filesOf(t *testing.T, fs *waltest.CrashFS) []string {
	t.Helper()
	list := must(fs.List("db/" + tiersDirName))(t)
	slices.Sort(list)
	return list
}

// TestLoadsLeaveNothing: a load that does not commit leaves no file and no row, however it ends.
func TestLoadsLeaveNothing(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := loadSetUp(t, fs)
	files, size := filesOf(t, fs), must(w.s.Size(t.Context()))(t)
	texts := must(textsOf(w.s))(t)
	ran := 0
	for name, f := range failedLoads(t, w) {
		written := 0
		fs.SetHook(func(op waltest.Op) error {
			if op.Kind == waltest.OpCreate && strings.Contains(op.Path, "/"+tiersDirName) {
				written++
			}
			return nil
		})
		err := w.in(nil, f)
		fs.SetHook(nil)
		if want := strings.HasPrefix(name, "23505"); want != (sqlerr.CodeOf(err) == sqlerr.UniqueViolation) || !want && !errors.Is(err, errGiveUp) {
			t.Errorf("%s: %v", name, err)
		}
		if written == 0 {
			t.Errorf("%s: no file was written", name)
		}
		if now := filesOf(t, fs); !slices.Equal(now, files) {
			t.Errorf("%s: the files are %v and were %v", name, now, files)
		}
		// The log makes its next file ready when it comes to it.
		if now := must(w.s.Size(t.Context()))(t); now.Total()-now.Log != size.Total()-size.Log {
			t.Errorf("%s: %+v, there were %+v", name, now, size)
		}
		for table, text := range must(textsOf(w.s))(t) {
			if text != texts[table] {
				t.Errorf("%s: table %s is %s, was %s", name, table, text, texts[table])
			}
		}
		ran++
	}
	must(0, w.s.Close())(t)
	if ran < 15 {
		t.Errorf("%d ways", ran)
	}
}

// TestLoadedRows follows loaded rows from their commit on: Views from before do not see them; they are there after the
// process was killed, after a checkpoint, after compaction; keys that they have are refused.
func TestLoadedRows(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := loadSetUp(t, fs)
	before := begin(t, w.s, table.TxOptions{Isolation: table.RepeatableRead})
	def := before.Schema().LookupRelation(table.PublicSchema, "b").(*table.TableDef)
	count := func(tx *Tx) (n int) {
		must(0, statement(tx, func(st table.Statement) error {
			m, err := modelOf(st, def)
			n = len(m.rows)
			return err
		}))(t)
		return n
	}
	if n := count(before); n != 92 {
		t.Errorf("%d rows", n)
	}
	must(0, w.in(nil, func(x *workTx) error { return x.load("b", loadedRows(5500, 100)) }))(t)
	if n := count(before); n != 92 {
		t.Errorf("a View from before sees %d rows", n)
	}
	must(0, before.Rollback())(t)
	must(0, w.in(nil, func(x *workTx) error {
		return errors.Join(x.delete("b", []int64{5001, 5502}), x.update("b", map[int64]modelRow{5503: {v: "later"}}))
	}))(t)
	check := func(what string, fs *waltest.CrashFS, use func(s *Store) error) {
		t.Helper()
		s := openLoads(t, fs)
		model, err := sameAsModel(s, w.o, w.o.ackedLSN())
		must(0, err)(t)
		if len(model["b"].rows) != 190 {
			t.Errorf("%s: %d rows", what, len(model["b"].rows))
		}
		must(0, errors.Join(use(s), worksOn(s, model), sameRows(s, model), s.Close()))(t)
	}
	check("killed", fs.Kill(), func(*Store) error { return nil })
	check("killed, with a checkpoint", fs.Kill(), func(s *Store) error { return s.Checkpoint(t.Context()) })
	check("killed, compacted", fs.Kill(), func(s *Store) error { return s.Compact(t.Context(), def.ID) })
	must(0, w.s.Checkpoint(t.Context()))(t)
	check("killed after a checkpoint", fs.Kill(), func(s *Store) error { return s.Compact(t.Context(), def.ID) })
	must(0, w.s.Compact(t.Context(), def.ID))(t)
	check("killed after compaction", fs.Kill(), func(s *Store) error { return s.Checkpoint(t.Context()) })
	must(0, errors.Join(w.s.Checkpoint(t.Context()), w.s.Close()))(t)
	check("closed", fs, func(*Store) error { return nil })
}

// TestBackupsOfLoads makes backups while rows are loaded, and loads are rolled back.
func TestBackupsOfLoads(t *testing.T) {
	withSegments(t)
	least := 6
	if testing.Short() || invariants.Enabled {
		least = 2
	}
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle()}
	w.s = must(openCrashWith(fs, 128<<10, 1<<30))(t)
	must(0, w.setUp())(t)
	var list []madeBackup
	must(0, beside(func() error { return w.loadAll(4) }, func(n int) error {
		m, err := backUp(t.Context(), w.s, w.o, fmt.Sprint("backup-", n))
		list = append(list, m)
		return err
	}))(t)
	must(0, errors.Join(w.s.Checkpoint(t.Context()), w.s.Close()))(t)
	for i := range list {
		must(0, list[i].check(fs, w.o, i%3 == 0))(t)
	}
	must(0, (&crashImage{fs: fs, acked: w.o.ackedLSN()}).check(w.o, nil, false))(t)
	if len(list) < least {
		t.Errorf("%d backups", len(list))
	}
}
