package segment_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// holds evaluates a conjunct in the plainest way.
func holds(d types.Datum, c *table.Conjunct) bool {
	switch c.Op {
	case table.OpIsNull:
		return !d.Valid
	case table.OpIsNotNull:
		return d.Valid
	}
	if !d.Valid {
		return false
	}
	switch c.Op {
	case table.OpIn:
		return slices.ContainsFunc(c.Values, func(v types.Datum) bool { return v.Valid && types.Compare(d, v) == 0 })
	case table.OpFilter:
		k := d.I
		if k < c.Filter.Min || k > c.Filter.Max {
			return false
		}
		bit := uint64(k - c.Filter.Min)
		if !c.Filter.Exact {
			bit = table.Hash64(k) >> c.Filter.Shift
		}
		return c.Filter.Bits[bit>>6]>>(bit&63)&1 != 0
	}
	if !c.Value.Valid {
		return false
	}
	if c.Op == table.OpPrefix {
		return strings.HasPrefix(d.S, c.Value.S)
	}
	r := types.Compare(d, c.Value)
	return [...]bool{table.OpEq: r == 0, table.OpNe: r != 0, table.OpLt: r < 0, table.OpLe: r <= 0, table.OpGt: r > 0, table.OpGe: r >= 0}[c.Op]
}

// conjuncts makes random conditions on random rows.
type conjuncts struct {
	rng  *rand.Rand
	ts   []types.Type
	rows []types.Row
	gs   []*generator
}

func (g *conjuncts) constant(col int) types.Datum {
	switch d := g.rows[g.rng.IntN(len(g.rows))][col]; {
	case g.rng.IntN(40) == 0:
		return types.NullOf(g.ts[col].Kind)
	case d.Valid && g.rng.IntN(4) > 0:
		return d
	}
	return g.gs[col].value()
}

func (g *conjuncts) next() table.Conjunct {
	c := table.Conjunct{Col: g.rng.IntN(len(g.ts)), Op: table.Op(g.rng.IntN(int(table.OpFilter) + 1))}
	if g.rng.IntN(3) == 0 {
		c.Op = table.OpEq
	}
	switch c.Op {
	case table.OpIn:
		for range g.rng.IntN(6) {
			c.Values = append(c.Values, g.constant(c.Col))
		}
	case table.OpPrefix:
		c.Value = g.constant(c.Col)
		if c.Value.K.Class() != types.ClassString {
			c.Op = table.OpGe
		} else if c.Value.Valid {
			c.Value.S = c.Value.S[:g.rng.IntN(len(c.Value.S)+1)]
		}
	case table.OpFilter:
		if g.ts[c.Col].Class() != types.ClassInt {
			c.Op = table.OpIsNotNull
			break
		}
		c.Filter = g.filter(c.Col)
	default:
		c.Value = g.constant(c.Col)
	}
	return c
}

// filter is a random set of a column's values, exact if their range allows it.
func (g *conjuncts) filter(col int) *table.Filter {
	var keys []int64
	for range 1 + g.rng.IntN(20) {
		if d := g.constant(col); d.Valid {
			keys = append(keys, d.I)
		}
	}
	if len(keys) == 0 {
		keys = []int64{0}
	}
	f := &table.Filter{Min: slices.Min(keys), Max: slices.Max(keys), Shift: 64 - 10}
	if span := uint64(f.Max) - uint64(f.Min); span < 1<<20 {
		f.Exact = true
		f.Bits = make([]uint64, span>>6+1)
	} else {
		f.Bits = make([]uint64, 1<<10/64)
	}
	for _, k := range keys {
		bit := uint64(k) - uint64(f.Min)
		if !f.Exact {
			bit = table.Hash64(k) >> f.Shift
		}
		f.Bits[bit>>6] |= 1 << (bit & 63)
	}
	return f
}

// TestSelect: a selection has every row that meets all conjuncts, and for those that it takes over exactly no other.
func TestSelect(t *testing.T) {
	var total segment.Metrics
	exact, inexact, cut := map[table.Op]int{}, map[table.Op]int{}, 0
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 17))
		g := &conjuncts{rng: rng, ts: columnTypes, rows: rowsOf(rng, columnTypes, 1+rng.IntN(1500))}
		for _, typ := range columnTypes {
			g.gs = append(g.gs, newGenerator(rng, typ))
		}
		s := schemaOf(rng, columnTypes)
		s.Keys = []segment.Key{{Name: "a", Cols: []int{rng.IntN(len(columnTypes))}}, {Name: "b", Cols: rng.Perm(len(columnTypes))[:2]}}
		by := rng.IntN(len(columnTypes))
		slices.SortFunc(g.rows, func(a, b types.Row) int { // narrow bounds for one column
			switch {
			case a[by].Valid && b[by].Valid:
				return types.Compare(a[by], b[by])
			case a[by].Valid:
				return -1 // NULLs last: zones of nothing else
			case b[by].Valid:
				return 1
			}
			return 0
		})
		fs := vfs.NewMem()
		o := segment.Options{ZoneRows: 64 << rng.IntN(3), RowGroupRows: 512, BitmapValues: 300}
		seg := open(t, fs, "a", write(t, fs, "a", s, o, g.rows, rng), segment.NewCache(int64(rng.IntN(2))<<20))
		for range 250 {
			where := make([]table.Conjunct, 1+rng.IntN(3))
			for i := range where {
				where[i] = g.next()
			}
			if len(where) > 1 && rng.IntN(4) == 0 { // all of a key
				r := g.rows[rng.IntN(len(g.rows))]
				for i, col := range s.Keys[1].Cols {
					where[i] = table.Conjunct{Col: col, Op: table.OpEq, Value: r[col]}
				}
			}
			for _, avoid := range []table.Avoid{{Bounds: true}, {Indexes: true}, {Bounds: true, Indexes: true}} {
				if msg := checkAvoids(seg, where, avoid, g.rows); msg != "" {
					t.Fatalf("seed %d: without %+v: %s for %+v", seed, avoid, msg, where)
				}
			}
			sel, err := seg.Select(where, table.Avoid{})
			if err != nil {
				t.Fatal(err)
			}
			if msg := checkSelection(seg, sel, where, g.rows); msg != "" {
				t.Fatalf("seed %d: %s for %+v", seed, msg, where)
			}
			more := g.next()
			if msg := checkNarrow(seg, sel, where, more, g.rows); msg != "" {
				t.Fatalf("seed %d: narrowed by %+v: %s", seed, more, msg)
			}
			for i, a := range sel.Accepted {
				if len(sel.Zones) == 0 {
					cut++
				} else if a == table.Exact {
					exact[where[i].Op]++
				} else {
					inexact[where[i].Op]++
				}
			}
		}
		m := seg.Metrics()
		total.Bitmaps += m.Bitmaps
		total.ZonesSkipped += m.ZonesSkipped
		total.BloomChecks += m.BloomChecks
		total.BloomRejects += m.BloomRejects
	}
	for op := range table.OpFilter + 1 {
		if op != table.OpFilter && exact[op] < 20 || op != table.OpIsNull && op != table.OpIsNotNull && inexact[op] < 20 {
			t.Errorf("operator %d was taken over %d times exactly, %d times not", op, exact[op], inexact[op])
		}
	}
	if total.Bitmaps < 500 || total.ZonesSkipped < 20_000 || total.BloomChecks < 100 || total.BloomRejects < 5 || cut < 1000 {
		t.Errorf("%+v, %d conjuncts excluded everything", total, cut)
	}
}

// chosen returns the positions of a selection.
func chosen(seg *segment.Segment, sel *segment.Selection) (pos []int, msg string) {
	last := int32(-1)
	for _, z := range sel.Zones {
		if z <= last {
			return nil, "zones out of order"
		}
		last = z
		for p := int(z) * seg.ZoneRows(); p < min((int(z)+1)*seg.ZoneRows(), seg.NumRows()); p++ {
			if sel.Has(p) {
				pos = append(pos, p)
			}
		}
	}
	return pos, ""
}

func checkSelection(seg *segment.Segment, sel *segment.Selection, where []table.Conjunct, rows []types.Row) string {
	pos, msg := chosen(seg, sel)
	if msg != "" {
		return msg
	}
	if len(pos) != sel.Count {
		return "another count"
	}
	next := 0
	for p, r := range rows {
		all := true
		for i := range where {
			all = all && holds(r[where[i].Col], &where[i])
		}
		in := next < len(pos) && pos[next] == p
		if all && !in {
			return "a row is missing"
		}
		if !in {
			continue
		}
		next++
		for i := range where {
			if sel.Accepted[i] == table.Exact && !holds(r[where[i].Col], &where[i]) {
				return "a row that does not meet an exact conjunct"
			}
		}
	}
	return ""
}

// checkAvoids says what is wrong with a selection that is made without something.
func checkAvoids(seg *segment.Segment, where []table.Conjunct, avoid table.Avoid, rows []types.Row) string {
	sel, err := seg.Select(where, avoid)
	if err != nil {
		return err.Error()
	}
	if avoid.Indexes && sel.Bitmaps+sel.BloomChecks > 0 {
		return fmt.Sprintf("%d bitmaps, %d keys looked up", sel.Bitmaps, sel.BloomChecks)
	}
	if avoid.Bounds && avoid.Indexes && sel.Count != len(rows) {
		return fmt.Sprintf("%d of %d rows", sel.Count, len(rows))
	}
	return checkSelection(seg, sel, where, rows)
}

func checkNarrow(seg *segment.Segment, sel *segment.Selection, where []table.Conjunct, more table.Conjunct, rows []types.Row) string {
	narrow := *sel
	narrow.Zones = slices.Clone(sel.Zones)
	p := seg.Predicate(&more)
	for _, z := range sel.Zones {
		if p.MayMatch(int(z)) {
			continue
		}
		for pos := int(z) * seg.ZoneRows(); pos < min((int(z)+1)*seg.ZoneRows(), seg.NumRows()); pos++ {
			if holds(rows[pos][more.Col], &more) {
				return "a zone with a match is left out"
			}
		}
	}
	took := seg.Narrow(&narrow, &more)
	narrow.Accepted = append(slices.Clone(sel.Accepted), took)
	return checkSelection(seg, &narrow, append(slices.Clone(where), more), rows)
}

// TestScanOfSelection: a scan of a selection among the rows that live gives exactly these.
func TestScanOfSelection(t *testing.T) {
	total, partial := 0, 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 19))
		rows := orderRows(rng, 1+rng.IntN(5000))
		fs := vfs.NewMem()
		o := segment.Options{ZoneRows: 64 << rng.IntN(4)}
		o.RowGroupRows = o.ZoneRows * (1 + rng.IntN(6))
		s := orders
		s.Columns = slices.Clone(orders.Columns)
		s.Columns[3].Bitmaps = segment.On
		seg := open(t, fs, "a", write(t, fs, "a", s, o, rows, rng), nil)
		where := []table.Conjunct{{Col: 3, Op: table.OpEq, Value: types.NewString(types.BpChar, []string{"sent", "lost", "none"}[rng.IntN(3)])},
			{Col: 5, Op: table.OpLe, Value: types.NewInt(types.Date, 9000+rng.Int64N(100))}}[:rng.IntN(3)]
		sel, err := seg.Select(where, table.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		var live []uint64
		if rng.IntN(3) > 0 {
			live = make([]uint64, (len(rows)+63)/64)
			for i := range live {
				live[i] = []uint64{0, rng.Uint64(), ^uint64(0), ^uint64(1 << 40)}[rng.IntN(4)]
			}
			if r := len(rows) & 63; r != 0 {
				live[len(live)-1] &= 1<<r - 1
			}
		}
		pos, _ := chosen(seg, sel)
		if live != nil {
			pos = slices.DeleteFunc(pos, func(p int) bool { return live[p>>6]>>(p&63)&1 == 0 })
		}
		sc, err := seg.Scan(segment.ScanSpec{Cols: []int{0, 1}, Selection: sel, Live: live})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for sc.Next() {
			v, err := sc.Column(1)
			if err != nil {
				t.Fatal(err)
			}
			picks := sc.Sel()
			if picks == nil {
				for i := range sc.Rows() {
					picks = append(picks, uint16(i))
				}
			} else {
				partial++
			}
			if len(picks) != sc.Len() || len(picks) == 0 {
				t.Fatalf("%d rows, not %d", len(picks), sc.Len())
			}
			for _, i := range picks {
				if v.Int(int(i)) != rows[sc.Pos()+int(i)][1].I {
					t.Fatalf("row %d is another", sc.Pos()+int(i))
				}
				got = append(got, sc.Pos()+int(i))
			}
		}
		if !slices.Equal(got, pos) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(pos))
		}
		if st := sc.Stats(); st.Pages+st.PagesSkipped > 2*seg.NumZones() {
			t.Fatalf("pages: %+v", st)
		}
		total += len(got)
	}
	if total < 20_000 || partial < 200 {
		t.Fatalf("%d rows, %d zones in part", total, partial)
	}
}
