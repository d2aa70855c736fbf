package segment_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/types"
)

// TestForeignReader reads Parquet files as a program without the sidecar does.
func TestForeignReader(t *testing.T) {
	values, nulls := 0, 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 31))
		rows := rowsOf(rng, columnTypes, 1+rng.IntN(1500))
		fs := vfs.NewMem()
		o := segment.Options{ZoneRows: 64 << rng.IntN(3), PageBytes: 500, Compression: segment.Compression(rng.IntN(4))}
		o.RowGroupRows = 3 * o.ZoneRows
		s := schemaOf(rng, columnTypes)
		write(t, fs, "a", s, o, rows, rng)
		r, err := file.NewParquetReader(bytes.NewReader(contents(t, fs, "a.parquet")))
		if err != nil {
			t.Fatal(err)
		}
		if r.NumRows() != int64(len(rows)) {
			t.Fatalf("%d rows of %d", r.NumRows(), len(rows))
		}
		for c := range columnTypes {
			if id := r.MetaData().Schema.Column(c).SchemaNode().FieldID(); id != s.Columns[c].FieldID {
				t.Fatalf("column %d has field ID %d", c, id)
			}
			from := 0
			for g := range r.NumRowGroups() {
				v, n := readForeign(t, r, g, c, rows[from:], s.Columns[c].Type)
				values += v
				nulls += n
				from += int(r.RowGroup(g).NumRows())
			}
			if from != len(rows) {
				t.Fatalf("column %d has %d rows of %d", c, from, len(rows))
			}
		}
		checkPageIndex(t, r, o)
	}
	if values < 60_000 || nulls < 10_000 {
		t.Fatalf("%d values and %d NULLs", values, nulls)
	}
}

// readForeign compares a column chunk with the rows.
func readForeign(t *testing.T, r *file.Reader, g, c int, rows []types.Row, typ types.Type) (values, nulls int) {
	t.Helper()
	n := int(r.RowGroup(g).NumRows())
	cr, err := r.RowGroup(g).Column(c)
	if err != nil {
		t.Fatal(err)
	}
	levels := make([]int16, n)
	var at func(k int) any
	switch cr := cr.(type) {
	case *file.BooleanColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.Int32ColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.Int64ColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.Float32ColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.Float64ColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.ByteArrayColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	case *file.FixedLenByteArrayColumnChunkReader:
		at = readBatches(t, n, levels, cr.ReadBatch)
	}
	checkStatistics(t, r, g, c, rows[:n], typ)
	k := 0
	for i := range n {
		want := rows[i][c]
		if levels[i] == 0 {
			if want.Valid && (want.K != types.Numeric || want.IsFinite()) {
				t.Fatalf("row %d of column %d (%s) is NULL and not %+v", i, c, typ, want)
			}
			nulls++
			continue
		}
		if !foreignEqual(at(k), want, typ) {
			t.Fatalf("row %d of column %d (%s) is %v and not %+v", i, c, typ, at(k), want)
		}
		values++
		k++
	}
	return values, nulls
}

// checkStatistics demands that the bounds of a chunk are those of its values.
func checkStatistics(t *testing.T, r *file.Reader, g, c int, rows []types.Row, typ types.Type) {
	t.Helper()
	cc, err := r.MetaData().RowGroup(g).ColumnChunk(c)
	if err != nil {
		t.Fatal(err)
	}
	st, err := cc.Statistics()
	if err != nil || st == nil || !st.HasNullCount() {
		t.Fatalf("column %d (%s) has no statistics: %v", c, typ, err)
	}
	var lo, hi types.Datum
	nulls := int64(0)
	for _, row := range rows {
		d := row[c]
		if !d.Valid || d.K == types.Numeric && !d.IsFinite() && typ.Mod >= 0 {
			nulls++
			continue
		}
		if !lo.Valid || types.Compare(d, lo) < 0 {
			lo = d
		}
		if !hi.Valid || types.Compare(d, hi) > 0 {
			hi = d
		}
	}
	if k := typ.Kind; (k == types.Int8 || k == types.Int4 || k == types.Text || k == types.Date) && st.HasMinMax() != lo.Valid {
		t.Fatalf("column %d (%s) has bounds: %v", c, typ, st.HasMinMax())
	}
	if !st.HasMinMax() {
		return
	}
	switch st := st.(type) {
	case *metadata.Int32Statistics:
		if typ.Kind != types.Numeric && typ.Kind != types.OID && typ.Kind != types.Regclass && (int64(st.Min()) != lo.I || int64(st.Max()) != hi.I) {
			t.Fatalf("column %d (%s): bounds %d, %d", c, typ, st.Min(), st.Max())
		}
	case *metadata.Int64Statistics:
		if typ.Kind != types.Numeric && (st.Min() != lo.I || st.Max() != hi.I) {
			t.Fatalf("column %d (%s): bounds %d, %d", c, typ, st.Min(), st.Max())
		}
	case *metadata.Float64Statistics:
		if st.Min() != lo.Float() || st.Max() != hi.Float() {
			t.Fatalf("column %d (%s): bounds %v, %v", c, typ, st.Min(), st.Max())
		}
	case *metadata.ByteArrayStatistics:
		if typ.Class() == types.ClassString && (string(st.Min()) != lo.S || string(st.Max()) != hi.S) {
			t.Fatalf("column %d (%s): bounds %q, %q", c, typ, st.Min(), st.Max())
		}
	}
	if st.NullCount() != nulls && typ.Kind != types.Numeric {
		t.Fatalf("column %d (%s) has %d NULLs, not %d", c, typ, st.NullCount(), nulls)
	}
}

func readBatches[T any](t *testing.T, n int, levels []int16, read func(int64, []T, []int16, []int16) (int64, int, error)) func(int) any {
	t.Helper()
	out := make([]T, n)
	rows, vals := 0, 0
	for rows < n {
		k, v, err := read(int64(n-rows), out[vals:], levels[rows:], nil)
		if err != nil || k == 0 {
			t.Fatalf("%d rows of %d: %v", rows, n, err)
		}
		rows, vals = rows+int(k), vals+v
	}
	return func(k int) any { return out[k] }
}

func foreignEqual(got any, want types.Datum, typ types.Type) bool {
	switch x := got.(type) {
	case bool:
		return x == want.Bool()
	case int32:
		if typ.Kind == types.OID || typ.Kind == types.Regclass {
			return int64(uint32(x)) == want.I
		}
		return int64(x) == want.I
	case int64:
		return x == want.I
	case float32:
		return math.Float32bits(x) == math.Float32bits(float32(want.Float())) || x != x && math.IsNaN(want.Float())
	case float64:
		return math.Float64bits(x) == math.Float64bits(want.Float())
	case parquet.ByteArray:
		if typ.Kind == types.Numeric {
			return string(x) == types.T(types.Numeric).Text(want)
		}
		return string(x) == want.S
	case parquet.FixedLenByteArray:
		switch typ.Kind {
		case types.UUID:
			return string(x) == want.S
		case types.Interval:
			m, d, us := want.IntervalParts()
			return int64(binary.LittleEndian.Uint64(x)) == us && int32(binary.LittleEndian.Uint32(x[8:])) == m && int32(binary.LittleEndian.Uint32(x[12:])) == d
		}
		c, ok := want.Int128()
		return ok && binary.BigEndian.Uint64(x) == uint64(c.Hi) && binary.BigEndian.Uint64(x[8:]) == c.Lo
	}
	return false
}

// checkPageIndex demands that foreign readers find pages by rows: none crosses the end of a zone.
func checkPageIndex(t *testing.T, r *file.Reader, o segment.Options) {
	t.Helper()
	for g := range r.NumRowGroups() {
		pi, err := r.GetPageIndexReader().RowGroup(g)
		if err != nil || pi == nil {
			t.Fatalf("no page index: %v", err)
		}
		n := int(r.RowGroup(g).NumRows())
		for c := range columnTypes {
			oi, err := pi.GetOffsetIndex(c)
			if err != nil || oi == nil {
				t.Fatalf("column %d has no offset index: %v", c, err)
			}
			starts := map[int64]bool{}
			for _, p := range oi.GetPageLocations() {
				starts[p.FirstRowIndex] = true
			}
			for row := 0; row < n; row += o.ZoneRows {
				if !starts[int64(row)] {
					t.Fatalf("column %d has no page that starts at row %d", c, row)
				}
			}
		}
	}
}
