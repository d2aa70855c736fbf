package deletion_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/sqlerr"
)

// model is when each row was deleted; 0: never.
type model []uint64

func (m model) deleted(pos int, lsn uint64) bool { return m[pos] != 0 && m[pos] <= lsn }

// check compares a mask, and what it is made of, with the model.
func (m model) check(t *testing.T, v *deletion.Vector, lsn uint64, rng *rand.Rand) {
	t.Helper()
	mask := v.Mask(lsn)
	want := 0
	for p := range m {
		dead := m.deleted(p, lsn)
		if dead {
			want++
		}
		if live := mask.Live == nil || mask.Live[p>>6]>>(p&63)&1 != 0; live == dead {
			t.Fatalf("row %d at LSN %d: live %v, deleted at %d", p, lsn, live, m[p])
		}
	}
	if n := len(m); mask.Live != nil && n&63 != 0 && mask.Live[n>>6]>>(n&63) != 0 {
		t.Fatal("rows beyond the end are live")
	}
	if mask.Deleted != want || v.Deleted(lsn) != want {
		t.Fatalf("%d and %d rows are deleted at LSN %d, not %d", mask.Deleted, v.Deleted(lsn), lsn, want)
	}
	for range 20 {
		p := rng.IntN(len(m))
		if v.Contains(uint32(p), lsn) != m.deleted(p, lsn) {
			t.Fatalf("row %d at LSN %d", p, lsn)
		}
	}
	from := rng.IntN(len(m)) &^ (63 * rng.IntN(2))
	n := rng.IntN(min(len(m)-from, 3000) + 1)
	sel := mask.Sel(nil, from, n)
	if whole := from&^63 == from && (n&63 == 0 || from+n == len(m)); whole && mask.All(from, n) != (len(sel) == n) {
		t.Fatalf("%d of %d rows from %d on live at LSN %d, all: %v", len(sel), n, from, lsn, mask.All(from, n))
	}
	for i := range n {
		if _, live := slices.BinarySearch(sel, uint16(i)); live == m.deleted(from+i, lsn) {
			t.Fatalf("row %d of a selection from %d at LSN %d", i, from, lsn)
		}
	}
}

// TestVectorsAgainstModel deletes rows, folds, and looks at every LSN that a View may have.
func TestVectorsAgainstModel(t *testing.T) {
	checks := 0
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		rows := 1 + rng.IntN(1<<(4+rng.IntN(11)))
		m := make(model, rows)
		v := deletion.New(rows, 10)
		lsn, watermark := uint64(10), uint64(10)
		alive := rng.Perm(rows)
		for range 60 {
			switch rng.IntN(4) {
			case 0:
				watermark += rng.Uint64N(lsn - watermark + 1)
				v.Fold(watermark)
				if v.Folded() > watermark {
					t.Fatalf("folded to %d above %d", v.Folded(), watermark)
				}
			case 1:
				if rng.IntN(3) == 0 {
					v = copied(t, v, lsn)
				}
			default:
				lsn += 1 + rng.Uint64N(3)
				k := min(len(alive), rng.IntN(1+rows/20+2))
				var ps []uint32
				for _, p := range alive[:k] {
					ps = append(ps, uint32(p))
					m[p] = lsn
				}
				alive = alive[k:]
				if err := v.Delete(lsn, ps...); err != nil {
					t.Fatal(err)
				}
			}
			m.check(t, v, watermark, rng)
			m.check(t, v, watermark+rng.Uint64N(lsn-watermark+2), rng)
			m.check(t, v, lsn, rng)
			checks += 3
		}
	}
	if checks < 5000 {
		t.Fatalf("only %d checks", checks)
	}
}

func copied(t *testing.T, v *deletion.Vector, lsn uint64) *deletion.Vector {
	t.Helper()
	b, err := v.Append([]byte("before"), lsn)
	if err != nil {
		t.Fatal(err)
	}
	w, err := deletion.Decode(b[len("before"):])
	if err != nil {
		t.Fatal(err)
	}
	if w.Folded() != v.Folded() || w.Rows() != v.Rows() {
		t.Fatalf("decoded as folded at %d with %d rows", w.Folded(), w.Rows())
	}
	return w
}

// TestReadersBesideTheWriter: what a reader sees at its LSN does not change while rows are deleted and folded.
func TestReadersBesideTheWriter(t *testing.T) {
	const rows, steps = 20_000, 400
	rng := rand.New(rand.NewPCG(3, 3))
	order := rng.Perm(rows)
	v := deletion.New(rows, 1)
	var (
		published atomic.Uint64 // the newest LSN
		done      atomic.Bool
		wg        sync.WaitGroup
		mu        sync.Mutex // taking a View and moving the watermark
		views     [3]uint64  // LSNs of the Views that are held; 0: none
		looked    atomic.Int64
	)
	published.Store(1)
	const perStep = 10
	for r := range views {
		wg.Go(func() {
			for !done.Load() || looked.Load() < 50 {
				mu.Lock()
				lsn := published.Load()
				views[r] = lsn
				mu.Unlock()
				for range 3 { // a reader that holds its View for a while
					if m, want := v.Mask(lsn), int(lsn-1)*perStep; m.Deleted != want || v.Deleted(lsn) != want {
						t.Errorf("%d rows are deleted at LSN %d, not %d", m.Deleted, lsn, want)
						done.Store(true)
						looked.Add(50)
						return
					}
					runtime.Gosched()
				}
				mu.Lock()
				views[r] = 0
				mu.Unlock()
				looked.Add(1)
			}
		})
	}
	for i := range uint64(steps) {
		lsn := i + 2
		var ps []uint32
		for _, p := range order[:perStep] {
			ps = append(ps, uint32(p))
		}
		order = order[perStep:]
		if err := v.Delete(lsn, ps...); err != nil {
			t.Fatal(err)
		}
		published.Store(lsn)
		if i%7 == 0 {
			mu.Lock()
			watermark := lsn
			for _, held := range views {
				if held != 0 {
					watermark = min(watermark, held)
				}
			}
			v.Fold(watermark)
			mu.Unlock()
		}
	}
	done.Store(true)
	wg.Wait()
	if looked.Load() < 50 {
		t.Fatalf("the readers looked %d times", looked.Load())
	}
}

// TestDeletionsAreRefused: nothing is deleted twice, out of order or beyond the end, and a failure adds nothing.
func TestDeletionsAreRefused(t *testing.T) {
	v := deletion.New(100, 5)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	bad := func(err error) {
		t.Helper()
		if sqlerr.CodeOf(err) != sqlerr.InternalError {
			t.Fatalf("not refused: %v", err)
		}
	}
	ok(v.Delete(7, 1, 2))
	bad(v.Delete(8, 3, 2))
	bad(v.Delete(8, 3, 3))
	bad(v.Delete(8, 3, 100))
	bad(v.Delete(6, 3))
	ok(v.Delete(7, 3))
	v.Fold(7)
	bad(v.Delete(8, 3))
	bad(v.Delete(7, 4))
	ok(v.Delete(8, 4))
	if n := v.Deleted(8); n != 4 {
		t.Fatalf("%d rows are deleted", n)
	}
}

// TestDamagedVectors: no damage is decoded as something else, and none panics.
func TestDamagedVectors(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	v := deletion.New(5000, 3)
	for i := range uint32(300) {
		if err := v.Delete(uint64(4+i/2), i*7); err != nil {
			t.Fatal(err)
		}
	}
	v.Fold(100)
	b, err := v.Append(nil, 200)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		d := slices.Clone(b)
		d[i/8] ^= 1 << (i % 8)
		if _, err := deletion.Decode(d); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range len(b) {
		if _, err := deletion.Decode(b[:n]); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	// Behind a right checksum, too, nothing panics.
	for range 2000 {
		d := slices.Clone(b)
		for range 1 + rng.IntN(4) {
			d[8+rng.IntN(len(d)-12)] = byte(rng.Uint32())
		}
		deletion.Decode(resum(d)) //nolint:errcheck // any answer will do
	}
}

func FuzzDecode(f *testing.F) {
	v := deletion.New(1000, 1)
	if err := v.Delete(2, 5, 6, 900); err != nil {
		f.Fatal(err)
	}
	v.Fold(2)
	if err := v.Delete(4, 7); err != nil {
		f.Fatal(err)
	}
	b, err := v.Append(nil, 9)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return
		}
		v, err := deletion.Decode(resum(slices.Clone(b)))
		if err != nil || v.Rows() > 1<<20 {
			return
		}
		lsn := ^uint64(0)
		if m := v.Mask(lsn); m.Deleted > v.Rows() {
			t.Fatalf("%d of %d rows are deleted", m.Deleted, v.Rows())
		}
		again, err := v.Append(nil, lsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := deletion.Decode(again); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	const rows = 1 << 20
	rng := rand.New(rand.NewPCG(1, 1))
	v := deletion.New(rows, 1)
	order := rng.Perm(rows)
	for i := range rows / 100 {
		if err := v.Delete(uint64(2+i), uint32(order[i])); err != nil {
			b.Fatal(err)
		}
	}
	v.Fold(rows / 200)
	lsn := uint64(rows / 200)
	b.Run("version=fresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lsn++
			v.Mask(lsn)
		}
	})
	b.Run("version=same", func(b *testing.B) {
		for b.Loop() {
			v.Mask(lsn)
		}
	})
}

// TestFew: the list of the deleted rows is that of the mask, and there is none where they are many.
func TestFew(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	lists := 0
	for round := range 200 {
		rows := 1 + rng.IntN(5000)
		v := deletion.New(rows, 1)
		var want []uint32
		for p := range uint32(rows) {
			if rng.IntN(1+round) == 0 {
				want = append(want, p)
			}
		}
		if len(want) > 0 {
			if err := v.Delete(2, want...); err != nil {
				t.Fatal(err)
			}
		}
		m := v.Mask(2)
		got := m.Few()
		switch {
		case len(want)*16 > rows+64:
			if got != nil {
				t.Fatalf("round %d: a list of %d of %d rows", round, len(got), rows)
			}
		case len(want)*16 <= rows && !slices.Equal(got, want):
			t.Fatalf("round %d: %v, want %v", round, got, want)
		}
		if len(got) > 0 {
			lists++
		}
	}
	if lists < 50 {
		t.Fatalf("only %d lists", lists)
	}
}
