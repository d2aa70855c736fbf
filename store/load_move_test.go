package store

import (
	"errors"
	"slices"
	"testing"

	"github.com/laminadb/lamina/wal/waltest"
)

// TestMovesAreLoads: the rows of a table that moves to columnar files go there without the log; a move that is rolled back,
// or refused, leaves no file; small tables go through the log.
func TestMovesAreLoads(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := loadSetUp(t, fs)
	move := func(name, to string) func(x *workTx) error {
		return func(x *workTx) error { return x.alter(name, effect{op: effMove, table: name, to: to}) }
	}
	must(0, errors.Join(w.in(nil, move("b", "lsm")), w.in(nil, move("c", "lsm"))))(t)
	must(0, w.in(nil, func(x *workTx) error {
		return errors.Join(x.insert("c", loadedRows(1, 7)), x.insert("b", loadedRows(8000, 200)))
	}))(t)
	must(0, w.s.Checkpoint(t.Context()))(t)
	files, loads := filesOf(t, fs), loadRecords(t, w.s)

	err := w.in(nil, func(x *workTx) error { return errors.Join(move("b", "columnar")(x), errGiveUp) })
	if !errors.Is(err, errGiveUp) {
		t.Fatal(err)
	}
	if now := filesOf(t, fs); !slices.Equal(now, files) {
		t.Errorf("the files are %v and were %v", now, files)
	}
	must(0, w.in(nil, func(x *workTx) error {
		return errors.Join(
			x.delete("b", []int64{8001, 5002}), move("b", "columnar")(x), x.delete("b", []int64{8002, 5003}),
			x.insert("b", loadedRows(9000, 3)), x.delete("b", []int64{9001}),
		)
	}))(t)
	if n := loadRecords(t, w.s) - loads; n != 1 {
		t.Errorf("%d loads", n)
	}
	must(0, w.in(nil, move("c", "columnar")))(t)
	if n := loadRecords(t, w.s) - loads; n != 1 {
		t.Errorf("%d loads after a small table has moved", n)
	}
	must(0, w.in(nil, func(x *workTx) error { return x.delete("b", []int64{8003, 5004, 9002}) }))(t)
	for i, im := range []*crashImage{{fs: fs.Kill(), acked: w.o.ackedLSN(), keep: -1}, {fs: fs, acked: w.o.ackedLSN(), keep: -1}} {
		if i == 1 {
			must(0, errors.Join(w.s.Checkpoint(t.Context()), w.s.Close()))(t)
		}
		must(0, im.check(w.o, nil, true))(t)
	}
}
