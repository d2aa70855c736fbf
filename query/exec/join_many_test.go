package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// manyKeys are keys of row i that make each kind of table.
var manyKeys = []struct {
	note string
	key  func(i int64) int64
}{
	{"dense array", func(i int64) int64 { return i*3 - 1000 }},
	{"by their places in a bitmap", func(i int64) int64 { return i*37 - 100000 }},
	{"hash table", func(i int64) int64 { return int64(uint64(i) * 0x9E3779B97F4A7C15) }},
}

// TestJoinOfManyRows builds on so many rows that several workers make the table, of unique keys and of keys that
// occur twice, in each form.
func TestJoinOfManyRows(t *testing.T) {
	const n, probes = 40000, 5000
	checked := 0
	for round, kind := range []plan.JoinKind{plan.Inner, plan.RightSemi, plan.RightAnti, plan.Semi, plan.Anti, plan.Left} {
		for f, form := range manyKeys {
			w := newWorld(t, uint64(round))
			unique := int64(1 + (round+f)%2) // rows of a key
			int8s := types.T(types.Int8)
			row := func(i, k int64) types.Row {
				return types.Row{types.NewInt(types.Int8, form.key(k)), types.NewInt(types.Int8, i)}
			}
			var build, probe []types.Row
			for i := range int64(n) {
				build = append(build, row(i, i/unique))
			}
			for i := range int64(probes) {
				probe = append(probe, row(i, i*11)) // beyond the last key, too
			}
			left, right := w.table("l", columnsOf(int8s, int8s), probe), w.table("r", columnsOf(int8s, int8s), build)
			left.morsel, right.morsel = 700, 900
			l, r := scanOf(left), scanOf(right)
			root := joinOf(kind, l, r, []expr.Expr{col(l, 0)}, []expr.Expr{col(r, 0)}, nil)
			want := rowTexts(manyJoined(kind, probe, build))
			for _, workers := range []int{1, 4} {
				c := config{vectorRows: 2048, workers: workers, facts: true}
				got, err := w.run(t, &plan.Query{Root: root}, c)
				if err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprint(kind, " ", form.note, " ", c), got, want, true)
				checked += len(got)
			}
			if kind != plan.Semi && !w.notes(t, root, form.note) { // a filter may do the work of a semi join
				t.Errorf("%v: no %s", kind, form.note)
			}
		}
	}
	if checked < 200000 {
		t.Fatalf("only %d rows were checked", checked)
	}
}

// manyJoined joins by the first column.
func manyJoined(kind plan.JoinKind, left, right []types.Row) (out []types.Row) {
	byKey, used := map[int64][]types.Row{}, map[int64]bool{}
	for _, r := range right {
		byKey[r[0].I] = append(byKey[r[0].I], r)
	}
	for _, l := range left {
		rows := byKey[l[0].I]
		used[l[0].I] = true
		switch {
		case kind == plan.Inner || kind == plan.Left:
			for _, r := range rows {
				out = append(out, append(l.Clone(), r...))
			}
			if kind == plan.Left && rows == nil {
				out = append(out, append(l.Clone(), types.NullOf(types.Int8), types.NullOf(types.Int8)))
			}
		case kind == plan.Semi && rows != nil, kind == plan.Anti && rows == nil:
			out = append(out, l)
		}
	}
	for _, r := range right {
		if kind == plan.RightSemi && used[r[0].I] || kind == plan.RightAnti && !used[r[0].I] {
			out = append(out, r)
		}
	}
	return out
}
