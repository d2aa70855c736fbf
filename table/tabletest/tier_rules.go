package tabletest

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

func checkTierSnapshots(f *tierFixture) {
	var snaps []table.TableSnapshot
	var want []string
	keep := func(rows string) {
		ts := f.snapshot()
		f.equal("LSN", ts.LSN(), f.lsn)
		snaps, want = append(snaps, ts), append(want, rows)
	}
	keep("")
	f.start()
	keep(filledRows)
	f.update(1, item(1, 11, "uno"))
	keep("1|11|uno 2|20|two 3|∅|three")
	f.delete(2)
	keep("1|11|uno 3|∅|three")
	f.update(3, item(4, 0, "moved"))
	keep("1|11|uno 4|∅|moved")
	f.insert(item(2, 20, "again"), item(3, 30, "again"))
	keep("1|11|uno 2|20|again 3|30|again 4|∅|moved")
	f.tier.Retire(f.lsn, snaps[0].LSN())
	for i, ts := range snaps {
		f.equal("rows of a snapshot", f.rows(ts), want[i])
		if _, ok := ts.Get(f.o.Key(idOf(99))); ok {
			f.t.Error("a row is found that never was")
		}
	}
	if f.tier.Snapshot(f.lsn).Table(tierTable+1) != nil {
		f.t.Error("a table is found that never was")
	}
}

func checkTierNewest(f *tierFixture) {
	f.start()
	old := f.snapshot()
	one := f.o.Key(idOf(1))
	ref, _ := old.Get(one)
	newest := func(live bool, last table.LSN) table.RowRef {
		f.t.Helper()
		now, lsn, alive, found := old.Newest(one) // seen by the snapshot or not
		f.equal("live, last writer, found", fmt.Sprint(alive, lsn, found), fmt.Sprint(live, last, true))
		return now
	}
	f.equal("newest", newest(true, f.lsn), ref)
	f.equal("written", old.Written(ref), f.lsn)
	at := f.lsn
	now := newest(true, f.update(1, item(1, 11, "uno")))
	if now == ref {
		f.t.Error("the newest version is the old one")
	}
	f.equal("the old version lives", old.Lives(ref), false)
	now = newest(true, f.update(1, item(1, 12, "eins")))
	f.equal("unbroken since, after updates", old.Unbroken(now, at), true)
	newest(false, f.delete(1))
	f.equal("what was deleted lives", old.Lives(now), false)
	now = newest(true, f.insert(item(1, 13, "un")))
	f.equal("unbroken since, after a deletion", old.Unbroken(now, at), false)
	f.equal("unbroken since the insert", old.Unbroken(now, f.lsn), true)
	f.equal("written", old.Written(now), f.lsn)
	if _, _, _, found := old.Newest(f.o.Key(idOf(99))); found {
		f.t.Error("a version is found that never was")
	}
	for u, want := range map[int64]bool{10: false, 11: false, 13: true, 20: true, 99: false} {
		if _, ok := old.NewestUnique(1, f.o.Key(types.Row{types.NewInt(types.Int4, u)})); ok != want {
			f.t.Errorf("unique value %d: found %v", u, ok)
		}
	}
	got, ok := old.NewestUnique(0, one)
	f.equal("by primary key", fmt.Sprint(got, ok), fmt.Sprint(now, true))
}

// checkTierMoves: a record takes keys from some rows and gives them to others.
func checkTierMoves(f *tierFixture) {
	f.start()
	old := f.snapshot()
	f.do(tierRecord{entries: []table.Entry{f.entry(table.OpUpdateRows, []int64{1, 2, 3},
		item(2, 20, "one"), item(3, 30, "two"), item(1, 10, "three"))}})
	f.equal("rows", f.rows(f.snapshot()), "1|10|three 2|20|one 3|30|two")
	f.do(tierRecord{entries: []table.Entry{
		f.entry(table.OpDeleteRows, []int64{1}), f.entry(table.OpUpdateRows, []int64{2}, item(1, 10, "one")),
		f.entry(table.OpInsertRows, nil, item(2, 21, "new")),
	}})
	f.equal("rows", f.rows(f.snapshot()), "1|10|one 2|21|new 3|30|two")
	f.equal("rows of an old snapshot", f.rows(old), filledRows)
}

func checkTierRows(f *tierFixture) {
	f.start()
	ts := f.snapshot()
	var refs []table.RowRef
	for _, k := range []int64{3, 1, 3} {
		ref, ok := ts.Get(f.o.Key(idOf(k)))
		f.equal("found", ok, true)
		f.equal("key", ts.AppendKey([]byte("x"), ref), append([]byte("x"), f.o.Key(idOf(k))...))
		refs = append(refs, ref)
	}
	var b vec.Batch
	f.must(ts.Fetch(refs, []int{2, 0}, &b))
	f.equal("rows", vec.Format(&b), "three | 3\none | 1\nthree | 3\n")
	row := ts.AppendRow(textRow("before"), refs[1], []int{1, 1})
	f.equal("row", fmt.Sprintf("%s %d %d", row[0].S, row[1].I, row[2].I), "before 10 10")
	if s := ts.Stats(); s.Rows != 3 {
		f.t.Errorf("%v rows are estimated", s.Rows)
	}
}

func checkTierScans(f *tierFixture) {
	for from := int64(1); from <= manyRows; from += 1000 {
		f.insert(manyItems(from, min(from+999, manyRows))...)
	}
	f.delete(numbers(100, 200, nil)...)
	ts := f.snapshot()
	all := slices.Delete(manyItems(1, manyRows), 99, 200)
	for i, c := range conjuncts() {
		got, err := scanAll(f.ctx, snapshotReader{TableSnapshot: ts}, table.ScanSpec{Where: []table.Conjunct{c}, VectorRows: []int{0, 7, 2048}[i%3]})
		f.must(err)
		want := 0
		for _, row := range all {
			if holds(row, &c) {
				want++
			}
		}
		if len(got.rows) != want {
			f.t.Errorf("%+v: %d rows, want %d", c, len(got.rows), want)
		}
	}
	f.equal("rows", len(all), int(ts.Stats().Rows))
}

func checkTierTruncate(f *tierFixture) {
	f.start()
	old := f.snapshot()
	f.do(tierRecord{entries: []table.Entry{f.entry(table.OpTruncate, nil), f.entry(table.OpInsertRows, nil, item(1, 20, "new"))}})
	between := f.snapshot()
	f.equal("rows", f.rows(between), "1|20|new")
	last := f.tier.Snapshot(f.lsn)
	f.do(tierRecord{drop: tierTable})
	if f.tier.Snapshot(f.lsn).Table(tierTable) != nil {
		f.t.Error("a dropped table is there")
	}
	e := f.entry(table.OpInsertRows, nil, item(5, 5, "five"))
	if f.tier.Apply(f.lsn+1, &e) == nil {
		f.t.Error("a dropped table takes rows")
	}
	f.lsn++
	f.tier.Retire(f.lsn, old.LSN())
	f.equal("rows of old snapshots", f.rows(old)+" / "+f.rows(between)+" / "+f.rows(last.Table(tierTable)), filledRows+" / 1|20|new / 1|20|new")
	f.tier.Retire(f.lsn, f.lsn)
	f.equal("tables", f.tier.Metrics().Tables, 0)
}

func checkTierDefine(f *tierFixture) {
	f.start()
	old := f.snapshot()
	d := items("renamed")
	d.ID, d.Version, d.Kind = tierTable, 2, table.KindTable
	f.do(tierRecord{def: d})
	ts := f.snapshot()
	f.equal("definitions", fmt.Sprintf("%s %d %s %d", old.Def().Name, old.Def().Version, ts.Def().Name, ts.Def().Version), "t 1 renamed 2")
	f.equal("rows", f.rows(ts), filledRows)
	d = items("wider")
	d.ID, d.Version, d.Kind = tierTable, 3, table.KindTable
	d.Columns = append(d.Columns, table.Column{Name: "w", Type: types.T(types.Int8)})
	f.do(tierRecord{def: d})
	f.equal("columns", len(f.snapshot().Def().Columns), 4)
	f.equal("rows of another layout", f.rows(f.snapshot()), "")
	f.equal("rows of old snapshots", f.rows(old)+" / "+f.rows(ts), filledRows+" / "+filledRows)
	d = items("again")
	d.ID, d.Version, d.Kind, d.Layout = tierTable, 4, table.KindTable, 1
	f.do(tierRecord{def: d, entries: []table.Entry{f.entry(table.OpTruncate, nil), f.entry(table.OpInsertRows, nil, item(7, 70, "seven"))}})
	f.equal("rows of the record with the layout", f.rows(f.snapshot()), "7|70|seven")
	again := f.snapshot()
	d = items("same columns")
	d.ID, d.Version, d.Kind, d.Layout = tierTable, 5, table.KindTable, 2
	f.do(tierRecord{def: d, entries: []table.Entry{f.entry(table.OpInsertRows, nil, item(8, 80, "eight"))}})
	f.equal("rows of the same columns in another layout", f.rows(f.snapshot()), "8|80|eight")
	f.equal("rows of old snapshots", f.rows(old)+" / "+f.rows(again), filledRows+" / 7|70|seven")
}

// checkTierGarbage: what no View sees goes, what one sees stays.
func checkTierGarbage(f *tierFixture) {
	const rounds = 12
	fill := func() {
		for from := int64(1); from <= manyRows; from += 2000 {
			f.insert(manyItems(from, min(from+1999, manyRows))...)
		}
	}
	fill()
	pinned := f.snapshot()
	before := f.rows(pinned)
	churn := func(watermark func() table.LSN) {
		for range rounds {
			for from := int64(1); from <= manyRows; from += 2000 {
				f.delete(numbers(from, min(from+1999, manyRows), nil)...)
			}
			fill()
			for range 10 {
				f.tier.Retire(f.lsn, watermark())
			}
		}
	}
	churn(pinned.LSN)
	if f.rows(pinned) != before {
		f.t.Fatal("rows of a pinned snapshot have changed")
	}
	high := f.tier.Metrics()
	churn(func() table.LSN { return f.lsn })
	low := f.tier.Metrics()
	if low.DeadRows >= high.DeadRows && high.DeadRows > 0 || low.MemoryBytes > high.MemoryBytes {
		f.t.Errorf("%d dead rows in %d bytes, after %d in %d", low.DeadRows, low.MemoryBytes, high.DeadRows, high.MemoryBytes)
	}
	f.equal("live rows", low.Rows, manyRows)
	f.equal("rows", f.rows(f.snapshot()), before)
}

// checkTierReplay: after a restart the tier has what its last checkpoint had; the log from any place before is applied
// again, and what was there already counts for nothing.
func checkTierReplay(f *tierFixture) {
	for round := range int64(4) {
		f.insert(item(100+round, 100+round, "x"), item(200+round, 0, "y"))
		f.update(100+round, item(100+round, 300+round, "z"))
		if round > 0 {
			f.delete(200 + round - 1)
		}
		if round == 2 {
			f.do(tierRecord{entries: []table.Entry{f.entry(table.OpTruncate, nil), f.entry(table.OpInsertRows, nil, item(202, 202, "kept"))}})
		}
		f.must(f.tier.Checkpoint(f.ctx, f.lsn))
		f.equal("durable", f.tier.Durable(), f.lsn)
		f.insert(item(400+round, 400+round, "after the checkpoint"))
		if round == 3 {
			f.delete(203)
		}
		want := f.rows(f.snapshot())
		clone := f.fs.CrashClone(vfs.CrashCloneCfg{})
		f.must(f.tier.Close())
		f.fs = clone
		f.open()
		durable := f.tier.Durable()
		f.must(f.tier.Define(durable, f.log[0].def))
		for _, r := range f.log[1:] {
			f.replay(r)
		}
		f.equal("rows after a restart", f.rows(f.snapshot()), want)
	}
}

// checkTierPinned: a checkpoint of an older LSN writes at least what that saw, while later changes are there.
func checkTierPinned(f *tierFixture) {
	f.start()
	upTo := f.lsn
	pinned := f.rows(f.snapshot())
	f.delete(1)
	f.update(2, item(2, 22, "later"))
	f.insert(item(9, 9, "later"))
	f.must(f.tier.Checkpoint(f.ctx, upTo))
	now := f.rows(f.snapshot())
	if durable := f.tier.Durable(); durable == f.lsn {
		upTo, pinned = durable, now
	}
	f.equal("durable", f.tier.Durable(), upTo)
	clone := f.fs.CrashClone(vfs.CrashCloneCfg{})
	f.must(f.tier.Close())
	f.fs = clone
	f.open()
	f.must(f.tier.Define(upTo, f.log[0].def))
	f.equal("rows of the checkpoint", f.rows(f.tier.Snapshot(upTo).Table(tierTable)), pinned)
	for _, r := range f.log[1:] {
		f.replay(r)
	}
	f.equal("rows after the replay", f.rows(f.snapshot()), now)
}
