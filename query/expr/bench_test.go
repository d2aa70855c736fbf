package expr

import (
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// narrowColumn is a column of random values lo … hi in the fewest bytes, as scans deliver it.
func narrowColumn(rng *rand.Rand, t types.Type, scale int16, lo, hi int64, facts bool) vec.Vector {
	v := vec.Vector{Type: t, N: vec.Size, Scale: scale, NullBit: -1, Base: lo}
	switch span := hi - lo; {
	case span < 1<<8:
		d := make([]uint8, vec.Size)
		for i := range d {
			d[i] = uint8(rng.Int64N(span + 1))
		}
		v.Width, v.Data = 1, vec.DataOf(d)
	case span < 1<<16:
		d := make([]uint16, vec.Size)
		for i := range d {
			d[i] = uint16(rng.Int64N(span + 1))
		}
		v.Width, v.Data = 2, vec.DataOf(d)
	default:
		d := make([]uint32, vec.Size)
		for i := range d {
			d[i] = uint32(rng.Int64N(span + 1))
		}
		v.Width, v.Data = 4, vec.DataOf(d)
	}
	if facts {
		v.Fact = &vec.Fact{Min: lo, Max: hi, Bounded: true, NoNulls: true, LenMax: -1, Finite: true}
		return v
	}
	w := make([]int64, vec.Size)
	for i := range w {
		w[i] = v.Int(i)
	}
	v.Width, v.Base, v.Data = 8, 0, vec.DataOf(w)
	return v
}

// lineBatch has quantity, price, discount, tax and ship date of TPC-H's lineitem.
func lineBatch(facts bool) *vec.Batch {
	rng := rand.New(rand.NewPCG(1, 1))
	money := types.NumericPS(15, 2)
	if !facts {
		money = types.T(types.Numeric)
	}
	b := &vec.Batch{}
	b.Single(vec.Size, []vec.Vector{
		narrowColumn(rng, money, 2, 100, 5000, facts),
		narrowColumn(rng, money, 2, 90000, 10500000, facts),
		narrowColumn(rng, money, 2, 0, 10, facts),
		narrowColumn(rng, money, 2, 0, 8, facts),
		narrowColumn(rng, types.T(types.Date), 0, 8035, 10560, facts),
	}, nil)
	return b
}

func lineColumn(b *vec.Batch, i int) Expr {
	return &Column{Node: Node{Typ: b.Groups[0].Cols[i].Type}, ID: i}
}

func mustOp(op string, args ...Expr) Expr {
	e, err := NewOp(op, 0, args...)
	if err != nil {
		panic(err)
	}
	return Fold(e, nil)
}

func intConst(v int64) Expr { return NewConst(types.NewInt(types.Int4, v), types.T(types.Int4), 0) }

// chargeExprs are price × (1 - discount), and that × (1 + tax).
func chargeExprs(b *vec.Batch) []Expr {
	price := mustOp("*", lineColumn(b, 1), mustOp("-", intConst(1), lineColumn(b, 2)))
	return []Expr{price, mustOp("*", price, mustOp("+", intConst(1), lineColumn(b, 3)))}
}

func revenueCond(b *vec.Batch) Expr {
	decimal := func(v int64) Expr { return NewConst(types.NewDecimal(v, 2), types.T(types.Numeric), 0) }
	date := func(v int64) Expr { return NewConst(types.NewInt(types.Date, v), types.T(types.Date), 0) }
	e, err := NewAnd(0, mustOp(">=", lineColumn(b, 4), date(8766)), mustOp("<", lineColumn(b, 4), date(9131)),
		mustOp(">=", lineColumn(b, 2), decimal(5)), mustOp("<=", lineColumn(b, 2), decimal(7)),
		mustOp("<", lineColumn(b, 0), decimal(2400)))
	if err != nil {
		panic(err)
	}
	return e
}

func evaluatorFor(t testing.TB, b *vec.Batch, exprs ...Expr) *Evaluator {
	t.Helper()
	var input []types.Type
	for i := range b.NumCols() {
		v, _ := b.Col(i)
		input = append(input, v.Type)
	}
	p, err := Compile(exprs, input)
	if err != nil {
		t.Fatal(err)
	}
	ev := p.NewEvaluator(nil, mem.NewTracker("test", 0))
	t.Cleanup(ev.Close)
	return ev
}

func reportRows(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/vec.Size, "ns/row")
}

func BenchmarkEval(b *testing.B) {
	for _, facts := range []bool{true, false} {
		name := "expr=charge/facts=no"
		if facts {
			name = "expr=charge/facts=yes"
		}
		b.Run(name, func(b *testing.B) {
			batch := lineBatch(facts)
			ev := evaluatorFor(b, batch, chargeExprs(batch)...)
			b.ReportAllocs()
			for b.Loop() {
				ev.Begin(batch)
				for i := range 2 {
					if _, err := ev.Eval(i); err != nil {
						b.Fatal(err)
					}
				}
			}
			reportRows(b)
		})
	}
}

func BenchmarkFilterScan(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	conds := map[string]func(*vec.Batch) Expr{
		"q6":      revenueCond,
		"columns": func(v *vec.Batch) Expr { return mustOp("<", lineColumn(v, 2), lineColumn(v, 3)) },
	}
	for name, cond := range conds {
		b.Run("cond="+name, func(b *testing.B) {
			batch := lineBatch(true)
			ev := evaluatorFor(b, batch, cond(batch))
			sel := make([]uint16, 0, vec.Size+1)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ev.FilterScan(0, batch, sel); err != nil {
					b.Fatal(err)
				}
			}
			reportRows(b)
		})
	}
	for _, pattern := range []string{"%special%requests%", "PROMO%"} {
		b.Run("cond=like/pattern="+pattern, func(b *testing.B) {
			bb := vec.NewBatchBuilder([]types.Type{types.VarcharN(79)}, vec.Size, nil)
			for range vec.Size {
				text := make([]byte, 30+rng.IntN(49))
				for i := range text {
					text[i] = "abcdefghijklmnopqrstuvwxyz  "[rng.IntN(28)]
				}
				if err := bb.AppendRow(types.Row{types.NewString(types.Varchar, string(text))}); err != nil {
					b.Fatal(err)
				}
			}
			batch := bb.Batch()
			e := mustOp("!~~", lineColumn(batch, 0), NewConst(types.NewString(types.Text, pattern), types.T(types.Text), 0))
			ev := evaluatorFor(b, batch, e)
			sel := make([]uint16, 0, vec.Size+1)
			for b.Loop() {
				if _, err := ev.FilterScan(0, batch, sel); err != nil {
					b.Fatal(err)
				}
			}
			reportRows(b)
		})
	}
}

// TestNoAllocations: a batch costs no allocation once the registers have been used.
func TestNoAllocations(t *testing.T) {
	if invariants.Enabled {
		t.Skip("needs exact allocations: assertions box what they would print")
	}
	checked := 0
	for _, facts := range []bool{true, false} {
		batch := lineBatch(facts)
		exprs := chargeExprs(batch)
		c, err := NewCase(0, nil, []When{{revenueCond(batch), exprs[0]}}, intConst(0))
		if err != nil {
			t.Fatal(err)
		}
		exprs = append(exprs, c, revenueCond(batch))
		sel := batchSelection(batch)
		ev := evaluatorFor(t, batch, exprs...)
		out := make([]uint16, 0, vec.Size+1)
		for name, b := range map[string]*vec.Batch{"dense": batch, "selected": sel} {
			run := func() {
				ev.Begin(b)
				for i := range exprs {
					if _, err := ev.Eval(i); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := ev.Filter(3, out); err != nil {
					t.Fatal(err)
				}
				if _, err := ev.FilterScan(3, b, out); err != nil {
					t.Fatal(err)
				}
			}
			run()
			if n := testing.AllocsPerRun(50, run); n != 0 {
				t.Errorf("%s, facts %v: %v allocations a batch", name, facts, n)
			}
			checked++
		}
	}
	row := types.Row{types.NewInt(types.Int4, 7), types.NewInt(types.Int4, 3)}
	col := func(i int) Expr { return &Column{Node: Node{Typ: types.T(types.Int4)}, ID: i} }
	rp, err := CompileRow([]Expr{mustOp("<", mustOp("+", col(0), intConst(1)), mustOp("*", col(1), col(1)))},
		[]types.Type{types.T(types.Int4), types.T(types.Int4)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(50, func() {
		rp.Begin(row)
		if ok, err := rp.True(0); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}); n != 0 {
		t.Errorf("row program: %v allocations a row", n)
	}
	if checked != 4 {
		t.Fatalf("%d batches", checked)
	}
}

// batchSelection is b with every other row live.
func batchSelection(b *vec.Batch) *vec.Batch {
	sel := make([]uint16, 0, vec.Size/2)
	for i := 0; i < vec.Size; i += 2 {
		sel = append(sel, uint16(i))
	}
	out := &vec.Batch{}
	out.Single(len(sel), b.Groups[0].Cols, sel)
	return out
}
