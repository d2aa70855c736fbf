package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// crashLoad: the store writes segments of a bulk load, or the record that names them.
const crashLoad crashKind = "load"

// load is insert as a bulk load, of batches whose rows are not in the order of the key.
func (x *workTx) load(name string, rows map[int64]modelRow) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	var ids []int64
	for id, r := range rows {
		ids = append(ids, id)
		x.note(effect{op: effPut, table: name, id: id, row: r})
	}
	slices.SortFunc(ids, func(a, b int64) int { return int(a%7*1000+a) - int(b%7*1000+b) })
	ctx := context.Background()
	return statement(x.tx, func(st table.Statement) error {
		w, err := st.Writer(ctx, def.ID)
		if err != nil {
			return err
		}
		l, err := w.Load(ctx, table.LoadOptions{RowsExpected: int64(len(ids))})
		if err != nil {
			return err
		}
		for part := range slices.Chunk(ids, 16) {
			b, _, err := batchOf(w.Def(), part, rows)
			if err != nil {
				return err
			}
			if err := l.Append(ctx, b); err != nil {
				return err
			}
		}
		_, err = l.Finish(ctx)
		return err
	})
}

// loadedRows are n rows from an id on.
func loadedRows(from, n int64) map[int64]modelRow {
	rows := map[int64]modelRow{}
	for id := from; id < from+n; id++ {
		rows[id] = modelRow{u: id, v: fmt.Sprint("loaded ", id%13)}
	}
	return rows
}

// loadAll loads rows into a table with a key and one without, again and again: loads that commit, that are rolled back,
// that violate a key, of which the transaction changes rows itself; later ones change some, too.
func (w *workload) loadAll(rounds int) (err error) {
	const n = 120
	for i := range int64(rounds) {
		from := 5000 + 1000*i
		for _, name := range []string{"b", "c"} {
			rows := loadedRows(from, n)
			w.moving.Store(true)
			err = errors.Join(err, w.in(nil, func(x *workTx) error { return x.load(name, rows) }))
			dropped := w.in(nil, func(x *workTx) error { return errors.Join(x.load(name, loadedRows(from+500, 50)), errGiveUp) })
			if !errors.Is(dropped, errGiveUp) {
				err = errors.Join(err, dropped)
			}
			err = errors.Join(err, w.in(nil, func(x *workTx) error {
				more := loadedRows(from+200, 60)
				return errors.Join(x.load(name, more), x.delete(name, []int64{from + 3, from + 210}), x.update(name, map[int64]modelRow{from + 220: {v: "own"}}))
			}))
			if name == "b" {
				twice := w.in(nil, func(x *workTx) error { return x.load(name, loadedRows(from+n-1, 50)) })
				if sqlerr.CodeOf(twice) != sqlerr.UniqueViolation {
					err = errors.Join(err, fmt.Errorf("a load of a key that is there: %w", twice))
				}
			}
			w.moving.Store(false)
			err = errors.Join(err, w.in(nil, func(x *workTx) error {
				return errors.Join(x.delete(name, []int64{from, from + 17, from + 90}), x.update(name, map[int64]modelRow{from + 5: {v: "later"}}))
			}))
		}
	}
	return err
}

// TestLoadsSurvivePowerLoss loads rows between small commits, checkpoints and compactions on a disk that loses power:
// what is left has all rows of a load that was acknowledged, and none of one that was not committed.
func TestLoadsSurvivePowerLoss(t *testing.T) {
	withSegments(t)
	rounds, least := 2, 2*crashPointsMin
	if reduced() {
		rounds, least = 1, crashPointsMin
	}
	images, inside, records := 0, 0, 0
	for round := 0; more(round, rounds, inside < least); round++ {
		r := newCrashRun(t, round, 6, 20)
		r.c.budget[crashLoad], r.c.odds[crashLoad] = 60, 3
		r.arm(func(op waltest.Op) crashKind {
			if r.w.kindOfMove(op) == crashMigration {
				return crashLoad
			}
			return kindOfOp(op, false)
		})
		must(0, beside(func() error { return r.w.loadAll(3) }, r.w.small))(t)
		records += loadRecords(t, r.w.s)
		images += r.check(t, func(im *crashImage) {
			if im.kind == crashLoad {
				inside++
			}
		})
	}
	t.Log(images, "images,", inside, "of them inside of a load;", records, "loads committed as files")
	if inside < least || records < 4*rounds {
		t.Errorf("%d images inside of a load, %d records of loads", inside, records)
	}
}

// loadRecords counts the segments of loads that were applied, by the bytes that were.
func loadRecords(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	for _, tm := range s.Metrics().Tiers {
		if tm.Name == "columnar" {
			n = int(tm.Loads)
		}
	}
	return n
}
