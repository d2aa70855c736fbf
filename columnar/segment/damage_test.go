package segment_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

func contents(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func replace(t testing.TB, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// use opens a segment and does everything with it that a reader does. An error must be damage with file and offset; without one
// the answers must be right.
func use(t *testing.T, fs vfs.FS, info *segment.Info, rows []types.Row, what string) error {
	t.Helper()
	seg, err := segment.Open(fs, "", "a", info, nil)
	if err != nil {
		return err
	}
	defer seg.Close() //nolint:errcheck // it was only read
	sc, err := seg.Scan(segment.ScanSpec{Cols: all(len(rows[0]))})
	if err != nil {
		return err
	}
	var b vec.Batch
	n := 0
	for sc.Next() {
		if err := sc.Batch(&b); err != nil {
			return err
		}
		for c := range rows[0] {
			for i := range b.N {
				if !same(b.BatchDatum(c, i), rows[n+i][c]) {
					t.Fatalf("%s: row %d of column %d is wrong, without an error", what, n+i, c)
				}
			}
		}
		n += b.N
	}
	if n != len(rows) {
		t.Fatalf("%s: %d rows of %d, without an error", what, n, len(rows))
	}
	for k, key := range seg.Schema().Keys {
		for i := 0; i < len(rows); i += 7 {
			enc, ok := index.AppendRow(nil, rows[i], key.Cols)
			if !ok {
				continue
			}
			pos, err := seg.Lookup(nil, k, enc)
			if err != nil {
				return err
			}
			if !slices.Equal(pos, []uint32{uint32(i)}) {
				t.Fatalf("%s: row %d is found at %v, without an error", what, i, pos)
			}
		}
	}
	for c := range rows[0] {
		if !seg.HasBitmaps(c) {
			continue
		}
		d, err := seg.Dictionary(c)
		if err != nil {
			return err
		}
		for code := -1; code < d.Values.N; code++ {
			if _, err := seg.Bitmap(c, code); err != nil {
				return err
			}
		}
	}
	return seg.Verify(t.Context())
}

func mustBeDamage(t *testing.T, err error, what string) {
	t.Helper()
	file, off, ok := table.PlaceOf(err)
	if !ok || sqlerr.CodeOf(err) != sqlerr.DataCorrupted || !strings.HasPrefix(file, "a.") || off < 0 {
		t.Fatalf("%s: not damage with a place: %v", what, err)
	}
}

// TestDamage flips bits and cuts both files. What is not noticed by what is read is noticed by Verify.
func TestDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 21))
	rows := orderRows(rng, 700)
	rows[5][4] = types.NumericNaN() // an exception
	fs := vfs.NewMem()
	info := write(t, fs, "a", orders, segment.Options{ZoneRows: 64, RowGroupRows: 256, Compression: segment.CompressionZstd}, rows, rng)
	if err := use(t, fs, &info, rows, "intact"); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, name := range []string{"a.parquet", "a.sidecar"} {
		whole := contents(t, fs, name)
		for range 900 {
			b := slices.Clone(whole)
			what := "flip"
			switch rng.IntN(10) {
			case 0:
				b = b[:rng.IntN(len(b))]
				what = "cut"
			case 1: // a run of zeros
				at := rng.IntN(len(b))
				clear(b[at:min(at+1+rng.IntN(64), len(b))])
				what = "zeros"
			default:
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			if slices.Equal(b, whole) {
				continue
			}
			replace(t, fs, name, b)
			want := &info
			if rng.IntN(2) == 0 {
				want = nil
			}
			mustBeDamage(t, use(t, fs, want, rows, what), what+" in "+name)
			cases++
		}
		replace(t, fs, name, whole)
	}
	if err := use(t, fs, &info, rows, "healed"); err != nil {
		t.Fatal(err)
	}
	if cases < 1500 {
		t.Fatalf("only %d cases", cases)
	}
}

// TestOtherSegment: a sidecar beside the Parquet file of another segment of the same size is not believed.
func TestOtherSegment(t *testing.T) {
	fs := vfs.NewMem()
	s := segment.Schema{Columns: []segment.Column{{Name: "a", Type: types.T(types.Int8), FieldID: 1, Encoding: segment.EncodingPlain}}}
	rng := rand.New(rand.NewPCG(1, 1))
	one := write(t, fs, "a", s, segment.Options{Compression: segment.CompressionNone}, []types.Row{{types.NewInt(types.Int8, 1)}}, rng)
	two := write(t, fs, "b", s, segment.Options{Compression: segment.CompressionNone}, []types.Row{{types.NewInt(types.Int8, 2)}}, rng)
	if one.Segment.Bytes != two.Segment.Bytes || one.Segment.CRC == two.Segment.CRC {
		t.Fatalf("%+v and %+v", one, two)
	}
	replace(t, fs, "a.parquet", contents(t, fs, "b.parquet"))
	if _, err := segment.Open(fs, "", "a", &two, nil); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
		t.Fatalf("opened: %v", err)
	}
	err := use(t, fs, &one, []types.Row{{types.NewInt(types.Int8, 1)}}, "swapped")
	mustBeDamage(t, err, "swapped")
}

// TestEveryCallFailsOnce: when a call of the file system fails, the writer says so with a SQLSTATE and leaves no file that opens.
func TestEveryCallFailsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	rows := orderRows(rng, 3000)
	failures := 0
	for n := int32(1); ; n++ {
		mem := vfs.NewMem()
		var calls atomic.Int32
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
			if calls.Add(1) == n {
				return errInjected
			}
			return nil
		}))
		err := tryWrite(fs, rows)
		if calls.Load() < n {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		failures++
		if err == nil {
			continue // the removal of nothing, or the close of a folder
		}
		if !errors.Is(err, errInjected) || sqlerr.CodeOf(err) != sqlerr.IOError {
			t.Fatalf("call %d: %v", n, err)
		}
		if _, err := segment.Open(mem, "", "a", nil, nil); err == nil {
			t.Fatalf("call %d: the segment opens", n)
		}
	}
	if failures < 8 {
		t.Fatalf("only %d calls failed", failures)
	}
}

var errInjected = errors.New("injected")

func tryWrite(fs vfs.FS, rows []types.Row) error {
	w, err := segment.NewWriter(fs, "", "a", orders, segment.Options{ZoneRows: 256, RowGroupRows: 1024}, nil)
	if err != nil {
		return err
	}
	ts := make([]types.Type, len(orders.Columns))
	for i := range ts {
		ts[i] = orders.Columns[i].Type
	}
	bb := vec.NewBatchBuilder(ts, len(rows), nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			return err
		}
	}
	if err := w.Append(bb.Batch()); err != nil {
		w.Abort()
		return err
	}
	_, err = w.Finish()
	return err
}

// TestSurvivesPowerLoss: after Finish both files are there whatever is lost.
func TestSurvivesPowerLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	rows := orderRows(rng, 500)
	fs := vfs.NewCrashableMem()
	info := write(t, fs, "a", orders, segment.Options{}, rows, rng)
	for _, keep := range []int{0, 50, 100} {
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rng})
		if err := use(t, crashed, &info, rows, "power loss"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusals: what a segment cannot have is refused with a SQLSTATE.
func TestRefusals(t *testing.T) {
	col := func(t types.Type) segment.Column { return segment.Column{Name: "a", Type: t, FieldID: 1} }
	int4 := col(types.T(types.Int4))
	dict := col(types.T(types.Bool))
	dict.Encoding = segment.EncodingDictionary
	for i, x := range []struct {
		s    segment.Schema
		o    segment.Options
		code sqlerr.Code
	}{
		{segment.Schema{}, segment.Options{}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{int4, int4}}, segment.Options{}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{{Name: "a", Type: types.T(types.Int4)}}}, segment.Options{}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{int4}, Sort: []int{1}}, segment.Options{}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{int4}, Keys: []segment.Key{{Name: "k"}}}, segment.Options{}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{int4}}, segment.Options{ZoneRows: 100}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{int4}}, segment.Options{RowGroupRows: 100}, sqlerr.InvalidParameterValue},
		{segment.Schema{Columns: []segment.Column{col(types.T(types.TextArray))}}, segment.Options{}, sqlerr.FeatureNotSupported},
		{segment.Schema{Columns: []segment.Column{col(types.T(types.Unknown))}}, segment.Options{}, sqlerr.FeatureNotSupported},
		{segment.Schema{Columns: []segment.Column{dict}}, segment.Options{}, sqlerr.FeatureNotSupported},
	} {
		if _, err := segment.NewWriter(vfs.NewMem(), "", "a", x.s, x.o, nil); sqlerr.CodeOf(err) != x.code {
			t.Errorf("case %d: %v", i, err)
		}
	}
	rows := orderRows(rand.New(rand.NewPCG(1, 2)), 10)
	slices.Reverse(rows)
	if err := tryWrite(vfs.NewMem(), rows); sqlerr.CodeOf(err) != sqlerr.InternalError {
		t.Errorf("rows out of order: %v", err)
	}
}
