package lsm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// scanColumns: the key is (a, b, c), of which a is a string that others continue.
var scanColumns = []table.Column{
	{Name: "a", Type: types.T(types.Text), NotNull: true}, {Name: "v", Type: types.T(types.Int4)},
	{Name: "b", Type: types.T(types.Int2), NotNull: true}, {Name: "n", Type: types.T(types.Numeric)},
	{Name: "c", Type: types.T(types.Bytea), NotNull: true}, {Name: "f", Type: types.T(types.Float8)},
	{Name: "i", Type: types.T(types.Interval)}, {Name: "s", Type: types.T(types.Varchar)},
}

var scanKey = []int{0, 2, 4}

// randomValue returns one of few values of a column, so that conditions meet some.
func randomValue(rng *rand.Rand, c int) types.Datum {
	k := scanColumns[c].Type.Kind
	n := rng.IntN(8)
	switch {
	case !scanColumns[c].NotNull && n == 0:
		return types.NullOf(k)
	case k == types.Numeric:
		return types.Datum{K: k, Valid: true, I: int64(n) * 10, Scale: int16(n % 3)}
	case k == types.Float8:
		return types.NewFloat(k, []float64{0, -1, 2.5, math.NaN(), math.Inf(1), math.Copysign(0, -1), 3, 4}[n])
	case k == types.Interval:
		return types.NewInterval(int32(n%2), int32(n), int64(n)*1000)
	case k.Class() == types.ClassInt:
		return types.NewInt(k, []int64{math.MinInt16, -1, 0, 1, 2, 77, 300, math.MaxInt16}[n])
	}
	return types.NewString(k, []string{"", "\x00", "a", "a\x00", "ab", "abc", "b", "\xff\xff"}[n])
}

// randomConjunct returns a condition of any kind; value is that of some row.
func randomConjunct(rng *rand.Rand, c int) table.Conjunct {
	x := table.Conjunct{Col: c, Op: table.Op(rng.IntN(int(table.OpFilter) + 1)), Value: randomValue(rng, c)}
	isInt := scanColumns[c].Type.Class() == types.ClassInt
	switch {
	case x.Op == table.OpIn:
		for range rng.IntN(5) {
			x.Values = append(x.Values, randomValue(rng, c))
		}
	case x.Op == table.OpPrefix && scanColumns[c].Type.Class() != types.ClassString, x.Op == table.OpFilter && !isInt:
		x.Op = table.OpEq
	case x.Op == table.OpFilter:
		lo := int64(rng.IntN(3)) - 2
		x.Filter = &table.Filter{Min: lo, Max: lo + 90, Exact: rng.IntN(2) == 0, Bits: []uint64{rng.Uint64(), rng.Uint64()}, Shift: 64 - 7}
	}
	return x
}

// plainly evaluates a condition as its definition says; a filter as it stands.
func plainly(row types.Row, c *table.Conjunct) bool {
	d := row[c.Col]
	switch {
	case c.Op == table.OpIsNull:
		return d.IsNull()
	case c.Op == table.OpIsNotNull || d.IsNull():
		return !d.IsNull()
	case c.Op == table.OpIn:
		return slices.ContainsFunc(c.Values, func(v types.Datum) bool { return v.Valid && types.Compare(d, v) == 0 })
	case c.Op == table.OpFilter:
		at := uint64(d.I - c.Filter.Min)
		if !c.Filter.Exact {
			at = table.Hash64(d.I) >> c.Filter.Shift
		}
		return d.I >= c.Filter.Min && d.I <= c.Filter.Max && c.Filter.Bits[at/64]>>(at%64)&1 == 1
	case !c.Value.Valid:
		return false
	case c.Op == table.OpPrefix:
		return strings.HasPrefix(d.S, c.Value.S)
	}
	return c.Op.Holds(types.Compare(d, c.Value))
}

// scanTier is a tier with all combinations of key values, and what they are.
func scanTier(t *testing.T, rng *rand.Rand) (*Tier, []types.Row) {
	tier, err := Open(Options{FS: vfs.NewMem(), Dir: "tier"})
	if err != nil {
		t.Fatal(err)
	}
	def := &table.TableDef{
		Header:  table.Header{ID: 20000, Kind: table.KindTable, Name: "t", Version: 1},
		Columns: scanColumns, Keys: []table.Key{{Name: "t_pkey", Primary: true, Columns: scanKey}},
	}
	if err := tier.Define(1, def); err != nil {
		t.Fatal(err)
	}
	rows := map[string]types.Row{}
	for range 4000 {
		row := make(types.Row, len(scanColumns))
		for c := range row {
			row[c] = randomValue(rng, c)
		}
		rows[fmt.Sprint(row[0], row[2], row[4])] = row
	}
	ts := make([]types.Type, len(scanColumns))
	for c := range ts {
		ts[c] = scanColumns[c].Type
	}
	bb := vec.NewBatchBuilder(ts, len(rows), nil)
	var list []types.Row
	for _, row := range rows {
		list = append(list, row)
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := tier.Apply(2, &table.Entry{Table: 20000, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()}); err != nil {
		t.Fatal(err)
	}
	return tier, list
}

// read returns the rows of a scan as texts, with the rows that its report counts.
func readAll(t *testing.T, s table.Scan) (rows []types.Row) {
	t.Helper()
	var b vec.Batch
	for {
		m, err := s.NextMorsel(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for {
			err := m.Read(context.Background(), &b)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.N {
				row := b.Row(i, nil)
				for c := range row {
					row[c].S = strings.Clone(row[c].S)
				}
				rows = append(rows, row)
			}
		}
		m.Close()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func textsOf(rows []types.Row) string {
	var texts []string
	for _, row := range rows {
		texts = append(texts, fmt.Sprintf("%q", fmt.Sprint(row)))
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

// TestScanConditions: whatever conditions come with a scan, or while it runs, it leaves out no row that meets them and,
// where it takes them over exactly, delivers none that does not.
func TestScanConditions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tier, all := scanTier(t, rng)
	snap := tier.Snapshot(2)
	ts := snap.Table(20000)
	cols := []int{0, 1, 2, 3, 4, 5, 6, 7}
	exact, bounded, skipped, narrowed := 0, 0, int64(0), 0
	for range 1500 {
		spec := table.ScanSpec{Cols: cols, VectorRows: []int{1, 7, 100, 0}[rng.IntN(4)]}
		for range 1 + rng.IntN(4) {
			spec.Where = append(spec.Where, randomConjunct(rng, []int{0, 0, 2, 4, rng.IntN(len(cols))}[rng.IntN(5)]))
		}
		conds := slices.Clone(spec.Where)
		if rng.IntN(3) == 0 {
			spec.Where = spec.Where[1:]
		}
		s, err := ts.Scan(&spec)
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.Where) < len(conds) && s.Narrow(conds[0]) != table.None {
			narrowed++
		}
		got := readAll(t, s)
		want := slices.DeleteFunc(slices.Clone(all), func(row types.Row) bool {
			return slices.ContainsFunc(conds, func(c table.Conjunct) bool { return !plainly(row, &c) })
		})
		for i, how := range s.Accepted() {
			if how != table.Exact {
				continue
			}
			exact++
			if slices.ContainsFunc(got, func(row types.Row) bool { return !plainly(row, &spec.Where[i]) }) {
				t.Fatalf("%+v is taken over exactly, but rows fail it", spec.Where[i])
			}
		}
		r := s.Report()
		if r.RowsRead != int64(len(got)) || r.RowsRead+r.RowsSkipped > int64(len(all)) {
			t.Fatalf("%+v for %d rows", r, len(got))
		}
		skipped += r.RowsSkipped
		if r.KeyRanges > 0 {
			bounded++
		}
		got = slices.DeleteFunc(got, func(row types.Row) bool {
			return slices.ContainsFunc(conds, func(c table.Conjunct) bool { return !plainly(row, &c) })
		})
		if g, w := textsOf(got), textsOf(want); g != w {
			t.Fatalf("%+v: %d rows, want %d", conds, len(got), len(want))
		}
	}
	if exact < 2000 || bounded < 400 || skipped < 100_000 || narrowed < 300 {
		t.Errorf("%d conditions taken over, %d scans of ranges, %d rows skipped, %d narrowed", exact, bounded, skipped, narrowed)
	}
	snap.(table.SnapshotReleaser).Release()
	closed(t, tier)
}

// TestScanReadsRanges: of a key only what the conditions on its first columns allow is looked at.
func TestScanReadsRanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tier, all := scanTier(t, rng)
	snap := tier.Snapshot(2)
	text := func(s string) types.Datum { return types.NewString(types.Text, s) }
	number := func(n int64) types.Datum { return types.NewInt(types.Int2, n) }
	blob := func(s string) types.Datum { return types.NewString(types.Bytea, s) }
	bits := &table.Filter{Min: 0, Max: 2, Exact: true, Bits: []uint64{5}} // 0 and 2
	for _, c := range []struct {
		where  []table.Conjunct
		ranges int64
	}{
		{[]table.Conjunct{{Col: 0, Op: table.OpEq, Value: text("a")}}, 1},
		{[]table.Conjunct{{Col: 0, Op: table.OpEq, Value: text("a\x00")}, {Col: 2, Op: table.OpGt, Value: number(0)}}, 1},
		{[]table.Conjunct{{Col: 0, Op: table.OpEq, Value: text("a")}, {Col: 2, Op: table.OpEq, Value: number(1)}, {Col: 4, Op: table.OpEq, Value: blob("a")}}, 1},
		{[]table.Conjunct{{Col: 0, Op: table.OpIn, Values: []types.Datum{text("b"), text("a"), text("b")}}}, 2},
		{[]table.Conjunct{
			{Col: 0, Op: table.OpIn, Values: []types.Datum{text("b"), text("a")}}, {Col: 2, Op: table.OpIn, Values: []types.Datum{number(1), number(77), number(2)}},
			{Col: 4, Op: table.OpLe, Value: blob("ab")},
		}, 6},
		{[]table.Conjunct{{Col: 0, Op: table.OpEq, Value: text("ab")}, {Col: 2, Op: table.OpFilter, Filter: bits}}, 2},
		{[]table.Conjunct{{Col: 0, Op: table.OpPrefix, Value: text("ab")}}, 1},
		{[]table.Conjunct{{Col: 0, Op: table.OpGe, Value: text("ab")}, {Col: 0, Op: table.OpLt, Value: text("b")}}, 1},
	} {
		s, err := snap.Table(20000).Scan(&table.ScanSpec{Cols: []int{0}, Where: c.where})
		if err != nil {
			t.Fatal(err)
		}
		want := int64(0)
		for _, row := range all {
			if !slices.ContainsFunc(c.where, func(c table.Conjunct) bool { return !plainly(row, &c) }) {
				want++
			}
		}
		readAll(t, s)
		if r := s.Report(); r.RowsRead != want || want == 0 || r.RowsSkipped != 0 || r.KeyRanges != c.ranges {
			t.Errorf("%+v: %+v, want %d rows of %d ranges, and none skipped", c.where, r, want, c.ranges)
		}
	}
	snap.(table.SnapshotReleaser).Release()
	closed(t, tier)
}
