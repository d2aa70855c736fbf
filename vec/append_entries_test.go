package vec

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// TestAppendEntries takes rows out of several batches in a random order: of columns with and without NULLs, of vectors
// of the same layout and of narrow ones.
func TestAppendEntries(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	taken := 0
	for round := range 60 {
		from, rows := sourcesOfEntries(t, 1+round%4, rng)
		bb := NewBatchBuilder(testTypes, 0, nil)
		var want []types.Row
		for range 3 {
			var entries []Entry
			for range rng.IntN(200) {
				k := rng.IntN(len(from))
				at := rng.IntN(len(rows[k]))
				entries = append(entries, Entry{uint32(k), uint16(at)})
				want = append(want, rows[k][at])
			}
			if err := bb.AppendEntries(from, entries); err != nil {
				t.Fatal(err)
			}
			taken += len(entries)
		}
		checkRows(t, bb.Batch(), want)
	}
	if taken < 10000 {
		t.Errorf("only %d entries were taken", taken)
	}
}

// sourcesOfEntries returns the columns of n batches and their rows. Some have no NULL, some have narrow integers.
func sourcesOfEntries(t *testing.T, n int, rng *rand.Rand) (from [][]Vector, rows [][]types.Row) {
	for range n {
		list := testRows(t, 1+rng.IntN(300))
		if rng.IntN(2) == 0 {
			list = withoutNulls(list)
		}
		bb := NewBatchBuilder(testTypes, 0, nil)
		for _, r := range list {
			if err := bb.AppendRow(r); err != nil {
				t.Fatal(err)
			}
		}
		cols := append([]Vector(nil), bb.Batch().Groups[0].Cols...)
		if rng.IntN(2) == 0 {
			narrowTimes(cols, list)
		}
		from, rows = append(from, cols), append(rows, list)
	}
	return from, rows
}

func withoutNulls(list []types.Row) (full []types.Row) {
	for _, r := range list {
		whole := true
		for _, d := range r {
			whole = whole && d.Valid
		}
		if whole {
			full = append(full, r)
		}
	}
	return full
}

// narrowTimes gives the columns of timestamps and of numeric(15,2) other values, in vectors of 4 and of 2 bytes that count
// from a base.
func narrowTimes(cols []Vector, list []types.Row) {
	for c := range cols {
		v := &cols[c]
		if v.Form != Flat || v.Width != 8 || v.Type.Class() != types.ClassInt && (v.Type.Class() != types.ClassNumeric || v.Scale != 2) {
			continue
		}
		four, two := make([]uint32, v.N), make([]uint16, v.N)
		for i := range list {
			four[i], two[i] = uint32(i)*1000, uint16(i)*7
			if !list[i][c].Valid {
				continue
			}
			if v.Type.Class() == types.ClassInt {
				list[i][c].I = -5 + int64(four[i])
			} else {
				list[i][c] = types.NewDecimal(-5+int64(two[i]), 2)
			}
		}
		v.Base = -5
		if v.Type.Class() == types.ClassInt {
			v.Width, v.Data = 4, pointerTo(four)
		} else {
			v.Width, v.Data = 2, pointerTo(two)
		}
	}
}

func TestAppendEntriesRefusesOtherColumns(t *testing.T) {
	bb := NewBatchBuilder(testTypes, 0, nil)
	if err := bb.AppendEntries([][]Vector{make([]Vector, 1)}, nil); err == nil {
		t.Error("columns of another batch were taken")
	}
}

func pointerTo[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
