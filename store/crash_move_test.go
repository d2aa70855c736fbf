package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// crashMigration: a table moves to another tier.
const crashMigration crashKind = "migration"

// TestMovesSurvivePowerLoss moves tables of many rows, whose record is streamed, from tier to tier, between small commits
// and checkpoints. After a power loss a table is in one tier, the one that the catalog names, with all its rows; those
// that were in memory are gone until the record of the move is there.
func TestMovesSurvivePowerLoss(t *testing.T) {
	const rounds, least = 1, crashPointsMin
	images, inside, moved, logged := 0, 0, map[string]int{}, int64(0)
	few := func() bool {
		return inside < least || moved["lsm"] < 5 || moved["columnar"] < 5 || moved["memory"] < 3
	}
	for round := 0; more(round, rounds, few()); round++ {
		r := newCrashRun(t, round, 6, 20)
		must(0, r.w.fillMoved())(t)
		r.c.odds[crashMigration] = 2
		r.arm(r.w.kindOfMove)
		must(0, beside(func() error { return r.w.moveAll(r.c) }, r.w.small))(t)
		logged += r.w.s.log.Stats().Bytes
		images += r.check(t, func(im *crashImage) {
			if moved[im.method]++; im.kind == crashMigration {
				inside++
			}
		})
	}
	t.Log(images, "images,", inside, "of them inside of a move, with table b in", moved, "and", logged, "bytes of log")
	if few() || logged < int64(rounds*len(moveTargets))*streamBytes {
		t.Errorf("%d images inside of a move, table b in %v, %d bytes of log", inside, moved, logged)
	}
}

// kindOfMove is kindOfOp for a store that moves tables: the rows and the record of a move go to the log, or as segments
// past it.
func (w *workload) kindOfMove(op waltest.Op) crashKind {
	if !w.moving.Load() {
		return kindOfOp(op, false)
	}
	if moverOf() == "loadRun" {
		return crashMigration
	}
	if k := kindOfOp(op, true); k != crashDDL {
		return k
	}
	return crashMigration
}

// small commits a change of another table, and now and then makes a checkpoint.
func (w *workload) small(n int) error {
	err := w.in(w.rng(n), func(x *workTx) error {
		return x.update("a", map[int64]modelRow{1 + int64(n%sharedRows): {v: fmt.Sprint("by ", x.n)}})
	})
	if n%5 == 0 {
		err = errors.Join(err, w.s.Checkpoint(context.Background()))
	}
	return err
}

var moveTargets = []string{"lsm", "columnar", "memory", "lsm", "memory", "columnar"}

// fillMoved fills a table with a key and one without.
func (w *workload) fillMoved() (err error) {
	for from := int64(5000); from < 7400; from += 1200 {
		rows := map[int64]modelRow{}
		for id := from; id < from+1200; id++ {
			rows[id] = modelRow{v: strings.Repeat("moved", 90)}
		}
		err = errors.Join(err, w.in(nil, func(x *workTx) error { return errors.Join(x.insert("b", rows), x.insert("c", rows)) }))
	}
	return err
}

// moveAll moves both tables from tier to tier, with some rows changed before and after each move by the transaction
// itself, and by another one. Each move has crashes of its own: the first ones would take all of them.
func (w *workload) moveAll(c *crasher) (err error) {
	for i, to := range moveTargets {
		for _, name := range []string{"b", "c"} {
			id := 5000 + int64(2*i)
			c.allow(crashMigration, 6)
			w.moving.Store(true)
			err = errors.Join(err, w.in(nil, func(x *workTx) error {
				before := x.update(name, map[int64]modelRow{id: {v: fmt.Sprint("before ", to)}})
				move := x.alter(name, effect{op: effMove, table: name, to: to})
				after := x.delete(name, []int64{id + 1})
				return errors.Join(before, move, after, x.insert(name, map[int64]modelRow{id + 1: {v: "after"}}))
			}))
			w.moving.Store(false)
			err = errors.Join(err, w.in(nil, func(x *workTx) error { return x.insert(name, map[int64]modelRow{9000 + int64(i): {v: "later"}}) }))
		}
	}
	return err
}

// inOneTier checks that each table is in the tier that its definition names, and in no other, and that what is in memory
// alone is gone.
func inOneTier(s *Store) error {
	v := s.views.Acquire()
	defer v.Release()
	for _, o := range v.State.catalog.List(table.KindTable) {
		def := o.(*table.TableDef)
		for i := range s.tiers {
			if there := v.State.tiers[i].Table(def.ID) != nil; there != (s.tiers[i].method == def.Method) {
				return fmt.Errorf("table %s, whose method is %s, is in the %s tier: %t", def.Name, def.Method, s.tiers[i].method, there)
			}
		}
	}
	return nil
}

// TestMoveBack moves a table out of the columnar tier, whose files keep its rows for a while, and back in another form.
func TestMoveBack(t *testing.T) {
	w := &workload{o: newOracle()}
	fs := waltest.NewCrashFS()
	w.s = must(openCrash(fs))(t)
	must(0, w.setUp())(t)
	must(0, w.s.Checkpoint(context.Background()))(t)
	alter := func(e effect) {
		t.Helper()
		e.table = "a"
		must(0, w.in(nil, func(x *workTx) error { return x.alter("a", e) }))(t)
	}
	alter(effect{op: effMove, to: "lsm"})
	alter(effect{op: effWiden})
	alter(effect{op: effMove, to: "columnar"})
	for i, image := range []*crashImage{{fs: fs.Kill(), acked: w.o.ackedLSN(), keep: -1}, {fs: fs, acked: w.o.ackedLSN(), keep: -1}} {
		if i == 1 {
			must(0, errors.Join(w.s.Checkpoint(context.Background()), w.s.Close()))(t)
		}
		must(0, image.check(w.o, nil, true))(t)
	}
}

// TestMovedHiddenKeys: a table without a key used hidden keys that the log was not told of while its rows were in memory.
// Once the rows are to outlive the process none of them is given out again.
func TestMovedHiddenKeys(t *testing.T) {
	w := &workload{o: newOracle()}
	fs := waltest.NewCrashFS()
	w.s = must(openCrash(fs))(t)
	must(0, w.setUp())(t)
	must(0, w.in(nil, func(x *workTx) error { return x.alter("c", effect{op: effMove, table: "c", to: "memory"}) }))(t)
	rows := map[int64]modelRow{}
	for id := int64(1); id <= newKeyless; id++ {
		rows[id] = modelRow{v: "in memory"}
	}
	must(0, w.in(nil, func(x *workTx) error { return x.insert("c", rows) }))(t)
	must(0, w.in(nil, func(x *workTx) error { return x.alter("c", effect{op: effMove, table: "c", to: "lsm"}) }))(t)
	image := &crashImage{fs: fs.Kill(), acked: w.o.ackedLSN(), keep: -1}
	must(0, errors.Join(image.check(w.o, nil, true), w.s.Close()))(t)
}
