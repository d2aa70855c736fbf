package rowstore

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

func testDef() *table.TableDef {
	return &table.TableDef{
		Header: table.Header{ID: 20000, Kind: table.KindTable, Name: "t", Version: 1},
		Columns: []table.Column{
			{Name: "id", Type: types.T(types.Int8), NotNull: true},
			{Name: "n", Type: types.T(types.Int4)},
			{Name: "price", Type: types.NumericPS(15, 2)},
			{Name: "name", Type: types.T(types.Text)},
			{Name: "day", Type: types.T(types.Date)},
			{Name: "code", Type: types.T(types.Int8)},
		},
		Keys: []table.Key{{Name: "t_pkey", Primary: true, Columns: []int{0}}, {Name: "t_code", Columns: []int{5}}},
	}
}

var allCols = []int{0, 1, 2, 3, 4, 5}

// version is a row version of the model.
type version struct {
	row        types.Row
	begin, end table.LSN
}

// model is what the store should hold: versions by key, oldest first.
type model map[int64][]version

func (m model) at(lsn table.LSN) map[int64]types.Row {
	out := map[int64]types.Row{}
	for k, vs := range m {
		for _, v := range vs {
			if v.begin <= lsn && (v.end == 0 || v.end > lsn) {
				out[k] = v.row
			}
		}
	}
	return out
}

// harness drives a store and its model together.
type harness struct {
	t   *testing.T
	s   *Store
	m   model
	rng *rand.Rand
	lsn table.LSN
	def *table.TableDef
	// counted for the minima
	inserts, updates, deletes, checks, rows int
}

func newHarness(t *testing.T, o Options, seed uint64) *harness {
	mem.SetOnHeap(true)
	t.Cleanup(func() { mem.SetOnHeap(false) })
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, s: s, m: model{}, rng: rand.New(rand.NewPCG(seed, 3)), def: testDef()}
	h.lsn++
	if err := s.Define(h.lsn, h.def); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *harness) randomRow(id int64) types.Row {
	r := h.rng
	row := types.Row{types.NewInt(types.Int8, id), types.NewInt(types.Int4, int64(r.IntN(1000)-500)), types.NewDecimal(r.Int64N(1e9), 2),
		types.NewString(types.Text, strings.Repeat("x", r.IntN(40))+fmt.Sprint(id)), types.NewInt(types.Date, int64(r.IntN(20000))), types.NewInt(types.Int8, id*7)}
	for i := 1; i < 5; i++ {
		if r.IntN(10) == 0 {
			row[i] = types.NullOf(row[i].K)
		}
	}
	if r.IntN(500) == 0 {
		row[2] = types.Datum{K: types.Numeric, Valid: true, Form: types.NumNaN}
	}
	return row
}

func (h *harness) batch(rows []types.Row) *vec.Batch {
	ts := make([]types.Type, len(h.def.Columns))
	for i, c := range h.def.Columns {
		ts[i] = c.Type
	}
	bb := vec.NewBatchBuilder(ts, max(len(rows), 1), nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			h.t.Fatal(err)
		}
	}
	return bb.Batch()
}

func (h *harness) live() []int64 {
	var ids []int64
	for k := range h.m.at(h.lsn) {
		ids = append(ids, k)
	}
	slices.Sort(ids)
	return ids
}

func (h *harness) apply(e *table.Entry) {
	e.Table, e.Version = h.def.ID, h.def.Version
	if err := h.s.Apply(h.lsn, e); err != nil {
		h.t.Fatal(err)
	}
}

// step applies one random entry at the next LSN.
func (h *harness) step() {
	h.lsn++
	live := h.live()
	var keys table.Keys
	var rows []types.Row
	var ids []int64
	n := 1 + h.rng.IntN(200)
	op := table.OpInsertRows
	if len(live) > 0 && h.rng.IntN(2) == 0 {
		op = table.OpUpdateRows
		if h.rng.IntN(2) == 0 {
			op = table.OpDeleteRows
		}
		for _, i := range h.rng.Perm(len(live))[:min(n, len(live))] {
			ids = append(ids, live[i])
		}
	} else {
		for range n {
			if id := h.rng.Int64N(20000); !slices.Contains(live, id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		if op != table.OpInsertRows {
			vs := h.m[id]
			vs[len(vs)-1].end = h.lsn
			keys.Append(index.AppendDatum(nil, types.NewInt(types.Int8, id), true))
		}
		if op != table.OpDeleteRows {
			row := h.randomRow(id)
			rows = append(rows, row)
			h.m[id] = append(h.m[id], version{row: row, begin: h.lsn})
		}
	}
	h.apply(&table.Entry{Op: op, Keys: keys, Rows: h.batch(rows)})
	h.inserts += len(rows)
	h.deletes += keys.Len()
	if op == table.OpUpdateRows {
		h.updates += len(rows)
	}
}

// check compares all that a snapshot answers with the model.
func (h *harness) check(snap table.TierSnapshot, lsn table.LSN, vectorRows int) {
	h.t.Helper()
	want := h.m.at(lsn)
	ts := snap.Table(h.def.ID)
	sc, err := ts.Scan(&table.ScanSpec{Cols: allCols, Refs: true, VectorRows: vectorRows})
	if err != nil {
		h.t.Fatal(err)
	}
	seen := map[int64]bool{}
	var b vec.Batch
	for {
		m, err := sc.NextMorsel(context.Background())
		if err == io.EOF {
			break
		}
		for m.Read(context.Background(), &b) == nil {
			for i := range b.N {
				row := b.Row(i, nil)
				id := row[0].I
				if seen[id] {
					h.t.Fatalf("lsn %d: row %d comes twice", lsn, id)
				}
				seen[id] = true
				h.same(lsn, id, row[:6], want[id])
				ref := table.RowRef(row[6].I)
				h.same(lsn, id, ts.AppendRow(nil, ref, allCols), want[id])
			}
		}
		m.Close()
	}
	if len(seen) != len(want) {
		h.t.Fatalf("lsn %d: the scan has %d rows, the model %d", lsn, len(seen), len(want))
	}
	for range 50 {
		id := h.rng.Int64N(20000)
		key := index.AppendDatum(nil, types.NewInt(types.Int8, id), true)
		ref, ok := ts.Get(key)
		if _, has := want[id]; ok != has {
			h.t.Fatalf("lsn %d: Get(%d) = %v, the model says %v", lsn, id, ok, has)
		}
		if ok {
			h.same(lsn, id, ts.AppendRow(nil, ref, allCols), want[id])
			if string(ts.AppendKey(nil, ref)) != string(key) {
				h.t.Fatalf("key of row %d", id)
			}
		}
		_, last, live, found := ts.Newest(key)
		vs := h.m[id]
		if found != (len(vs) > 0) && found {
			h.t.Fatalf("Newest(%d) found %v", id, found)
		}
		if len(vs) > 0 && found {
			v := vs[len(vs)-1]
			if wantLast := max(v.begin, v.end); live != (v.end == 0) || last != wantLast && last != 0 {
				h.t.Fatalf("Newest(%d) = last %d live %v, want %d", id, last, live, wantLast)
			}
		}
		if _, ok := ts.NewestUnique(1, index.AppendDatum(nil, types.NewInt(types.Int8, id*7), true)); ok != (len(vs) > 0 && vs[len(vs)-1].end == 0) {
			h.t.Fatalf("NewestUnique(%d) = %v", id, ok)
		}
	}
	h.checks++
	h.rows += len(seen)
}

func (h *harness) same(lsn table.LSN, id int64, got, want types.Row) {
	h.t.Helper()
	if len(got) != len(want) {
		h.t.Fatalf("lsn %d row %d: %v, want %v", lsn, id, got, want)
	}
	for i := range got {
		if !types.Identical(got[i], want[i]) {
			h.t.Fatalf("lsn %d row %d column %d: %v, want %v", lsn, id, i, got[i], want[i])
		}
	}
}

// TestVersionsAgainstModel reads at several snapshots, old ones too, while rows come and go and garbage is freed.
func TestVersionsAgainstModel(t *testing.T) {
	for seed := range uint64(3) {
		h := newHarness(t, Options{}, seed)
		type held struct {
			snap table.TierSnapshot
			lsn  table.LSN
		}
		var open []held
		for i := range 120 {
			h.step()
			if i%7 == 0 {
				open = append(open, held{h.s.Snapshot(h.lsn), h.lsn})
			}
			if len(open) > 4 {
				open = open[1:]
			}
			watermark := h.lsn
			if len(open) > 0 {
				watermark = open[0].lsn
			}
			h.s.Retire(h.lsn, watermark)
			if i%5 == 0 {
				for _, o := range open {
					h.check(o.snap, o.lsn, []int{1, 3, 64, 2048}[h.rng.IntN(4)])
				}
				h.check(h.s.Snapshot(h.lsn), h.lsn, 2048)
			}
		}
		if h.updates < 1000 || h.deletes < 1000 || h.checks < 80 || h.rows < 50_000 {
			t.Fatalf("too little was tried: %d updates, %d deletions, %d checks, %d rows", h.updates, h.deletes, h.checks, h.rows)
		}
		if err := h.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestScanAllocatesNothing: reading a morsel allocates nothing once it is begun.
func TestScanAllocatesNothing(t *testing.T) {
	if invariants.Enabled {
		t.Skip("needs exact allocations: invariants builds check facts row by row")
	}
	h := newHarness(t, Options{}, 5)
	for range 30 {
		h.step()
	}
	ts := h.s.Snapshot(h.lsn).Table(h.def.ID)
	sc, err := ts.Scan(&table.ScanSpec{Cols: allCols, VectorRows: 16})
	if err != nil {
		t.Fatal(err)
	}
	m, err := sc.NextMorsel(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var b vec.Batch
	reads := 0
	if allocs := testing.AllocsPerRun(50, func() {
		if m.Read(context.Background(), &b) == nil {
			reads++
		}
	}); allocs > 0.1 {
		t.Fatalf("%v allocations a read", allocs)
	}
	if reads < 40 {
		t.Fatalf("only %d reads", reads)
	}
}

// TestPruningDropsNoMatch compares scans with conjuncts to the model.
func TestPruningDropsNoMatch(t *testing.T) {
	h := newHarness(t, Options{}, 9)
	rows := make([]types.Row, 0, 30000)
	for i := range int64(30000) {
		row := h.randomRow(i)
		row[4] = types.NewInt(types.Date, i/10)
		row[2] = types.NewDecimal(i*3, 2)
		rows = append(rows, row)
	}
	h.lsn++
	h.apply(&table.Entry{Op: table.OpInsertRows, Rows: h.batch(rows)})
	ts := h.s.Snapshot(h.lsn).Table(h.def.ID)
	skipped := int64(0)
	ops := []table.Op{table.OpEq, table.OpLt, table.OpLe, table.OpGt, table.OpGe}
	for range 200 {
		col := []int{0, 2, 4}[h.rng.IntN(3)]
		op := ops[h.rng.IntN(len(ops))]
		c := table.Conjunct{Col: col, Op: op, Value: types.NewInt(h.def.Columns[col].Type.Kind, h.rng.Int64N(32000)-500)}
		if col == 2 {
			c.Value = types.NewDecimal(h.rng.Int64N(1000000), h.rng.IntN(5))
		}
		want := 0
		for _, r := range rows {
			if r[col].Valid && holds(types.Compare(r[col], c.Value), op) {
				want++
			}
		}
		sc, err := ts.Scan(&table.ScanSpec{Cols: []int{col}, Where: []table.Conjunct{c}})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		var b vec.Batch
		for {
			m, err := sc.NextMorsel(context.Background())
			if err == io.EOF {
				break
			}
			for m.Read(context.Background(), &b) == nil {
				for i := range b.N {
					if d := b.BatchDatum(0, i); d.Valid && holds(types.Compare(d, c.Value), op) {
						got++
					}
				}
			}
		}
		if got != want {
			t.Fatalf("column %d op %d value %v: %d rows after pruning, %d match", col, op, c.Value, got, want)
		}
		skipped += sc.Report().ChunksSkipped
	}
	if skipped < 100 {
		t.Fatalf("only %d chunks were skipped: nothing was tried", skipped)
	}
}

func holds(cmp int, op table.Op) bool {
	switch op {
	case table.OpEq:
		return cmp == 0
	case table.OpLt:
		return cmp < 0
	case table.OpLe:
		return cmp <= 0
	case table.OpGt:
		return cmp > 0
	}
	return cmp >= 0
}
