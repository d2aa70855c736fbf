package lamina

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestDirect holds the short way of a value into a column against the one that statements' arguments go.
func TestDirect(t *testing.T) {
	db, err := Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	s, err := db.session()
	if err != nil {
		t.Fatal(err)
	}
	defer db.put(s) //nolint:errcheck // the test is over
	far := time.FixedZone("far", 13*3600)
	values := []any{
		nil, true, false, 0, -7, int64(1 << 40), int64(math.MinInt64), int32(5), int16(3), 0.5, math.Inf(1), math.NaN(), float32(1.5),
		"", "a", "abc  ", "abcdef", "äöüß", "äöüßx", "a\x00b", "\xff", "2024-02-03", "12", []byte("abc"),
		time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.UTC), time.Date(2024, 2, 29, 1, 0, 0, 0, far),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-100, 3, 4, 5, 6, 7, 8, far),
		types.NewInt(types.Int8, 3), types.NewInt(types.Int4, 3), types.NewInt(types.Date, -1), types.NullOf(types.Int8),
		types.NewDecimal(12345, 2), types.NewDecimal(123456789, 2), types.NewDecimal(12345, 3), types.NewString(types.Text, "x\xff"),
		types.NewString(types.Varchar, "too long"), types.NewString(types.BpChar, "abcd"), types.NewString(types.Bytea, "\xff\x00"),
	}
	kinds := []types.Type{
		types.T(types.Bool), types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.Float4), types.T(types.Float8),
		types.T(types.Numeric), types.NumericPS(5, 2), types.T(types.Text), types.T(types.Varchar), types.VarcharN(4), types.T(types.BpChar),
		types.CharN(4), types.T(types.Date), types.T(types.Timestamp), types.T(types.TimestampTZ), types.T(types.Time), types.T(types.Bytea),
		types.T(types.UUID), types.T(types.Name),
	}
	short, refused := 0, 0
	for _, v := range values {
		for _, k := range kinds {
			want, werr := valueFor(s, v, k)
			if got, err := putOne(s, v, k); err == nil && werr == nil && fmt.Sprint(got) != fmt.Sprint(want) ||
				sqlerr.CodeOf(err) != sqlerr.CodeOf(werr) {
				t.Errorf("%T %v in a column of %s: %v, %v, want %v, %v", v, v, k, got, err, want, werr)
			}
			got, ok, err := direct(v, k)
			if !ok {
				continue
			}
			short++
			if err != nil && sqlerr.CodeOf(err) == sqlerr.CodeOf(werr) {
				refused++
				continue
			}
			if err != nil || werr != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%T %v as %s: %v, %v, want %v, %v", v, v, k, got, err, want, werr)
			}
		}
	}
	if short < 60 || refused < 8 {
		t.Errorf("only %d values went the short way, of which %d were refused", short, refused)
	}
}

// putOne puts a value into a column and reads it.
func putOne(s *query.Session, v any, k types.Type) (types.Datum, error) {
	a := &Appender{s: s, types: []types.Type{k}, decimals: []decimalLimit{decimalLimitOf(k)}, bb: vec.NewBatchBuilder([]types.Type{k}, 1, nil)}
	if err := a.put(0, v); err != nil {
		return types.Datum{}, err
	}
	col := a.bb.Col(0).Vector()
	return col.Datum(0), nil
}
