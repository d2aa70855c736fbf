package arrowvec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var testColumns = []struct {
	typ  types.Type
	want string // the Arrow type
	vals []string
}{
	{types.T(types.Bool), "bool", []string{"t", "f"}},
	{types.T(types.Int2), "int16", []string{"-32768", "32767", "0"}},
	{types.T(types.Int4), "int32", []string{"-2147483648", "2147483647", "7"}},
	{types.T(types.Int8), "int64", []string{"-9223372036854775808", "9223372036854775807"}},
	{types.T(types.OID), "uint32", []string{"0", "4294967295"}},
	{types.T(types.Float4), "float32", []string{"1.5", "NaN", "-0", "Infinity"}},
	{types.T(types.Float8), "float64", []string{"1.1", "NaN", "-0", "-Infinity"}},
	{types.NumericPS(15, 2), "decimal(15, 2)", []string{"1.25", "-9999999999999.99", "0.00"}},
	{types.NumericPS(38, 10), "decimal(38, 10)", []string{"1234567890123456789012345678.0123456789", "-1.0000000000"}},
	{types.NumericPS(50, 1), "utf8", []string{"1.5", "NaN"}},
	{types.T(types.Numeric), "utf8", []string{"1.50", "NaN", "-Infinity", "1e50"}},
	{types.T(types.Text), "utf8", []string{"", "short", "longer than twelve bytes", "日本"}},
	{types.VarcharN(5), "utf8", []string{"abc", "abcde"}},
	{types.CharN(4), "utf8", []string{"ab", ""}},
	{types.T(types.Bytea), "binary", []string{`\x00ff`, `\x`}},
	{types.T(types.UUID), "fixed_size_binary[16]", []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
	{types.T(types.Date), "date32", []string{"1998-12-01", "0044-03-15 BC", "infinity"}},
	{types.T(types.Time), "time64[us]", []string{"00:00:00", "23:59:59.999999"}},
	{types.T(types.Timestamp), "timestamp[us]", []string{"1998-12-01 04:05:06.789", "-infinity"}},
	{types.T(types.TimestampTZ), "timestamp[us, tz=UTC]", []string{"1998-12-01 04:05:06.789+00", "infinity"}},
	{types.T(types.Interval), "month_day_nano_interval", []string{"1 mon -2 days 00:00:03", "00:00:00"}},
}

func testBatch(t *testing.T, rows int) (*vec.Batch, []Column, []types.Type) {
	t.Helper()
	var cols []Column
	var ts []types.Type
	for i, c := range testColumns {
		cols = append(cols, Column{Name: fmt.Sprintf("c%d", i), Type: c.typ})
		ts = append(ts, c.typ)
	}
	bb := vec.NewBatchBuilder(ts, 0, nil)
	for r := range rows {
		row := make(types.Row, len(ts))
		for i, c := range testColumns {
			if (r+i)%7 == 6 {
				row[i] = types.NullOf(c.typ.Kind)
				continue
			}
			d, err := types.Parse(c.typ, c.vals[r%len(c.vals)])
			if err != nil {
				t.Fatal(err)
			}
			row[i] = d
		}
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	return bb.Batch(), cols, ts
}

func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{0, 1, 5, 200} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		b, cols, ts := testBatch(t, rows)
		conv, err := NewConverter(cols, mem)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range conv.Schema().Fields() {
			if f.Type.String() != testColumns[i].want {
				t.Errorf("%s is %s, want %s", cols[i].Type, f.Type, testColumns[i].want)
			}
		}
		for seed := range uint64(8) {
			in := b
			if seed > 0 {
				in = vec.Reencode(rand.New(rand.NewPCG(seed, 0)), b)
			}
			rec, err := conv.Record(in)
			if err != nil {
				t.Fatal(err)
			}
			for i, col := range rec.Columns() {
				if v, ok := col.(interface{ ValidateFull() error }); ok {
					if err := v.ValidateFull(); err != nil {
						t.Errorf("column %d: %v", i, err)
					}
				}
			}
			back := vec.NewBatchBuilder(ts, 0, nil)
			if err := Append(back, rec, ts); err != nil {
				t.Fatal(err)
			}
			if d := vec.Diff(back.Batch(), b); d != "" {
				t.Error(d)
			}
			appendInTwo(t, rec, b, ts)
			rec.Release()
		}
		mem.AssertSize(t, 0)
	}
}

// appendInTwo appends a record batch in two slices, so that arrays have offsets.
func appendInTwo(t *testing.T, rec arrow.RecordBatch, want *vec.Batch, ts []types.Type) {
	t.Helper()
	back := vec.NewBatchBuilder(ts, 0, nil)
	n := rec.NumRows()
	for _, part := range []arrow.RecordBatch{rec.NewSlice(0, n/2), rec.NewSlice(n/2, n)} {
		if err := Append(back, part, ts); err != nil {
			t.Fatal(err)
		}
		part.Release()
	}
	if d := vec.Diff(back.Batch(), want); d != "" {
		t.Error("in slices: ", d)
	}
}

func TestExportPadsChar(t *testing.T) {
	b, cols, _ := testBatch(t, 3)
	conv, err := NewConverter(cols, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := conv.Record(b)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	for i, c := range cols {
		if c.Type.Kind == types.BpChar {
			if got := rec.Column(i).(*array.String).Value(2); got != "ab  " {
				t.Errorf("char(4) is %q", got)
			}
			return
		}
	}
	t.Fatal("no char column")
}

// TestExportAllocatesNoString: char(n) is padded without a string for each row.
func TestExportAllocatesNoString(t *testing.T) {
	ts := []types.Type{types.CharN(20)}
	const rows = 2000
	bb := vec.NewBatchBuilder(ts, rows, nil)
	for i := range rows {
		if err := bb.AppendRow(types.Row{types.NewString(types.BpChar, fmt.Sprint("some of it ", i))}); err != nil {
			t.Fatal(err)
		}
	}
	b := bb.Batch()
	conv, err := NewConverter([]Column{{Name: "c", Type: ts[0]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(5, func() {
		rec, err := conv.Record(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := rec.Column(0).(*array.String).Value(7); got != "some of it 7        " {
			t.Fatalf("char(20) is %q", got)
		}
		rec.Release()
	})
	if n > rows/20 {
		t.Errorf("%.0f allocations for %d rows", n, rows)
	}
}

func TestExportErrors(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	for _, c := range []struct {
		typ  types.Type
		text string
		code sqlerr.Code
	}{
		{types.NumericPS(15, 2), "NaN", sqlerr.NumericValueOutOfRange},
		{types.T(types.Interval), "infinity", sqlerr.DatetimeFieldOverflow},
	} {
		bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int4), c.typ}, 0, nil)
		d, err := types.Parse(c.typ, c.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int4, 1), d}); err != nil {
			t.Fatal(err)
		}
		conv, err := NewConverter([]Column{{Name: "a", Type: types.T(types.Int4)}, {Name: "b", Type: c.typ}}, mem)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conv.Record(bb.Batch()); sqlerr.CodeOf(err) != c.code {
			t.Errorf("%s %s: %v, want %s", c.typ, c.text, err, c.code)
		}
	}
	mem.AssertSize(t, 0)
	if _, err := NewConverter([]Column{{Name: "r", Type: types.T(types.Record)}}, mem); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Errorf("record: %v", err)
	}
}

// importOne builds an array with fn and reads its values as the type that TypeOf gives, or typ.
func importOne(t *testing.T, dt arrow.DataType, typ types.Type, build func(b array.Builder)) ([]string, error) {
	t.Helper()
	mem := memory.NewGoAllocator()
	bld := array.NewBuilder(mem, dt)
	defer bld.Release()
	build(bld)
	a := bld.NewArray()
	defer a.Release()
	rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: dt, Nullable: true}}, nil), []arrow.Array{a}, int64(a.Len()))
	defer rec.Release()
	bb := vec.NewBatchBuilder([]types.Type{typ}, 0, nil)
	if err := Append(bb, rec, []types.Type{typ}); err != nil {
		if bb.Len() != 0 || bb.Col(0).Len() != 0 {
			t.Errorf("%s: rows are left after an error", dt)
		}
		return nil, err
	}
	var out []string
	for i := range bb.Len() {
		d := bb.Batch().BatchDatum(0, i)
		if d.IsNull() {
			out = append(out, "NULL")
		} else {
			out = append(out, typ.Text(d))
		}
	}
	return out, nil
}

func TestImport(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	d256 := &arrow.Decimal256Type{Precision: 60, Scale: 2}
	for _, c := range []struct {
		dt    arrow.DataType
		as    string // "" for what TypeOf gives
		want  string
		build func(b array.Builder)
	}{
		{arrow.PrimitiveTypes.Int8, "", "[-128 NULL]", func(b array.Builder) { b.(*array.Int8Builder).Append(-128); b.AppendNull() }},
		{arrow.PrimitiveTypes.Uint64, "", "[18446744073709551615]", func(b array.Builder) { b.(*array.Uint64Builder).Append(1<<64 - 1) }},
		{arrow.PrimitiveTypes.Uint64, "bigint", "ERROR 22003", func(b array.Builder) { b.(*array.Uint64Builder).Append(1<<64 - 1) }},
		{arrow.PrimitiveTypes.Int64, "integer", "ERROR 22003", func(b array.Builder) {
			b.(*array.Int64Builder).Append(1)
			b.(*array.Int64Builder).Append(1 << 40)
		}},
		{arrow.PrimitiveTypes.Int32, "numeric(10,2)", "[5.00]", func(b array.Builder) { b.(*array.Int32Builder).Append(5) }},
		{arrow.PrimitiveTypes.Float64, "numeric", "[0.1]", func(b array.Builder) { b.(*array.Float64Builder).Append(0.1) }},
		{arrow.BinaryTypes.StringView, "", "[abc]", func(b array.Builder) { b.(*array.StringViewBuilder).Append("abc") }},
		{arrow.BinaryTypes.LargeString, "varchar(2)", "ERROR 22001", func(b array.Builder) { b.(*array.LargeStringBuilder).Append("abc") }},
		{arrow.BinaryTypes.String, "date", "[1998-12-01]", func(b array.Builder) { b.(*array.StringBuilder).Append("1998-12-01") }},
		{arrow.BinaryTypes.String, "", "ERROR 22021", func(b array.Builder) { b.(*array.StringBuilder).Append("\xff") }},
		{arrow.BinaryTypes.String, "bytea", "ERROR 42804", func(b array.Builder) { b.(*array.StringBuilder).Append("a") }},
		{arrow.BinaryTypes.BinaryView, "", `[\x6162]`, func(b array.Builder) { b.(*array.BinaryViewBuilder).Append([]byte("ab")) }},
		{dict, "", "[x NULL y x]", func(b array.Builder) {
			d := b.(*array.BinaryDictionaryBuilder)
			_ = d.AppendString("x")
			d.AppendNull()
			_ = d.AppendString("y")
			_ = d.AppendString("x")
		}},
		{arrow.FixedWidthTypes.Date64, "", "[1969-12-31]", func(b array.Builder) { b.(*array.Date64Builder).Append(-1) }},
		{&arrow.TimestampType{Unit: arrow.Second}, "", "[1970-01-01 00:00:07]", func(b array.Builder) { b.(*array.TimestampBuilder).Append(7) }},
		{&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, "", "[1969-12-31 23:59:59.999999+00]", func(b array.Builder) { b.(*array.TimestampBuilder).Append(-1) }},
		{&arrow.TimestampType{Unit: arrow.Second}, "", "ERROR 22008", func(b array.Builder) { b.(*array.TimestampBuilder).Append(1 << 60) }},
		{arrow.FixedWidthTypes.Time32ms, "", "[00:00:00.005]", func(b array.Builder) { b.(*array.Time32Builder).Append(5) }},
		{arrow.FixedWidthTypes.Time64us, "", "ERROR 22008", func(b array.Builder) { b.(*array.Time64Builder).Append(-5) }},
		{arrow.FixedWidthTypes.Duration_ms, "", "[01:00:00]", func(b array.Builder) { b.(*array.DurationBuilder).Append(3600000) }},
		{arrow.FixedWidthTypes.MonthInterval, "", "[1 year 2 mons]", func(b array.Builder) { b.(*array.MonthIntervalBuilder).Append(14) }},
		{d256, "", "[-1234567890123456789012345678901234567890.25]", func(b array.Builder) {
			n, err := decimal256.FromString("-1234567890123456789012345678901234567890.25", 60, 2)
			if err != nil {
				t.Fatal(err)
			}
			b.(*array.Decimal256Builder).Append(n)
		}},
		{&arrow.Decimal128Type{Precision: 5, Scale: -2}, "", "[1200]", func(b array.Builder) {
			if err := b.(*array.Decimal128Builder).AppendValueFromString("1200"); err != nil {
				t.Fatal(err)
			}
		}},
		{arrow.Null, "", "[NULL]", func(b array.Builder) { b.AppendNull() }},
		{arrow.BinaryTypes.Binary, "integer", "[12]", func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte("12")) }},
	} {
		typ, err := TypeOf(c.dt)
		if c.as != "" {
			typ, err = types.ParseType(c.as)
		}
		if err != nil {
			t.Errorf("%s: %v", c.dt, err)
			continue
		}
		vals, err := importOne(t, c.dt, typ, c.build)
		got := fmt.Sprint(vals)
		if err != nil {
			got = "ERROR " + string(sqlerr.CodeOf(err))
		}
		if got != c.want {
			t.Errorf("%s as %s: %s (%v), want %s", c.dt, typ, got, err, c.want)
		}
	}
	if _, err := TypeOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Errorf("list: %v", err)
	}
}

func BenchmarkRecord(b *testing.B) {
	for name, text := range map[string]string{"short": "id%d", "long": "a string of some length %d"} {
		b.Run("strings="+name, func(b *testing.B) { benchRecord(b, text) })
	}
}

func benchRecord(b *testing.B, text string) {
	ts := []types.Type{types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Text)}
	bb := vec.NewBatchBuilder(ts, 0, nil)
	for i := range vec.Size {
		row := types.Row{types.NewInt(types.Int8, int64(i)), types.NewDecimal(int64(i), 2), types.NewString(types.Text, fmt.Sprintf(text, i*7919%100000))}
		if err := bb.AppendRow(row); err != nil {
			b.Fatal(err)
		}
	}
	conv, err := NewConverter([]Column{{Name: "a", Type: ts[0]}, {Name: "b", Type: ts[1]}, {Name: "c", Type: ts[2]}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rec, err := conv.Record(bb.Batch())
		if err != nil {
			b.Fatal(err)
		}
		rec.Release()
	}
	b.ReportMetric(float64(vec.Size)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAppend(b *testing.B) {
	ts := []types.Type{types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Text)}
	in := vec.NewBatchBuilder(ts, 0, nil)
	for i := range vec.Size {
		row := types.Row{types.NewInt(types.Int8, int64(i)), types.NewDecimal(int64(i), 2), types.NewString(types.Text, "a string of some length")}
		if err := in.AppendRow(row); err != nil {
			b.Fatal(err)
		}
	}
	conv, err := NewConverter([]Column{{Name: "a", Type: ts[0]}, {Name: "b", Type: ts[1]}, {Name: "c", Type: ts[2]}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	rec, err := conv.Record(in.Batch())
	if err != nil {
		b.Fatal(err)
	}
	defer rec.Release()
	out := vec.NewBatchBuilder(ts, 0, nil)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := Append(out, rec, ts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(vec.Size)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
