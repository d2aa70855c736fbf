package lamina_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// goTypes are the types of SQL, a value of each, and what Value and Scan into any give.
var goTypes = []struct {
	typ, text string
	value     any
}{
	{"bool", "t", true},
	{"int2", "-32768", int64(-32768)},
	{"int4", "2147483647", int64(math.MaxInt32)},
	{"int8", "-9223372036854775808", int64(math.MinInt64)},
	{"oid", "4294967295", int64(math.MaxUint32)},
	{"float4", "1.5", 1.5},
	{"float8", "0.1", 0.1},
	{"float8", "-Infinity", math.Inf(-1)},
	{"numeric", "123456789012345678901234567890.5", "123456789012345678901234567890.5"},
	{"numeric(10,2)", "1.50", "1.50"},
	{"numeric", "NaN", "NaN"},
	{"text", "häuser", "häuser"},
	{"varchar(5)", "abc", "abc"},
	{"char(4)", "ab  ", "ab  "},
	{"name", "n", "n"},
	{`"char"`, "x", "x"},
	{"bytea", `\x00ff`, []byte{0, 255}},
	{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{"date", "1998-12-01", time.Date(1998, 12, 1, 0, 0, 0, 0, time.UTC)},
	{"date", "0044-03-15 BC", time.Date(-43, 3, 15, 0, 0, 0, 0, time.UTC)},
	{"date", "infinity", "infinity"},
	{"time", "23:59:59.999999", "23:59:59.999999"},
	{"timestamp", "1998-12-01 04:05:06.789", time.Date(1998, 12, 1, 4, 5, 6, 789e6, time.UTC)},
	{"timestamptz", "1998-12-01 04:05:06.789+00", time.Date(1998, 12, 1, 4, 5, 6, 789e6, time.UTC)},
	{"timestamptz", "-infinity", "-infinity"},
	{"interval", "1 mon -2 days +00:00:03", "1 mon -2 days +00:00:03"},
}

// Every type goes to its Go value and back, as argument and as text.
func TestValuesOfEveryType(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	for i, c := range goTypes {
		name := fmt.Sprintf("t%d", i)
		exec(t, db, fmt.Sprintf("CREATE TABLE %s (k int4 PRIMARY KEY, v %s)", name, c.typ))
		exec(t, db, "INSERT INTO "+name+" VALUES (1, $1)", c.text)
		exec(t, db, "INSERT INTO "+name+" VALUES (2, $1)", c.value)
		exec(t, db, "INSERT INTO "+name+" VALUES (3, $1)", nil)
		for _, sql := range []string{"SELECT v FROM " + name + " WHERE k = $1", "SELECT v FROM " + name + " WHERE k + 0 = $1"} {
			for k, wantValue := range map[int]any{1: c.value, 2: c.value, 3: nil} {
				rows, err := db.Query(ctx, sql, k)
				if err != nil {
					t.Fatal(err)
				}
				if !rows.Next() {
					t.Fatalf("%s: no row: %v", c.typ, rows.Err())
				}
				var got any
				var datum types.Datum
				if err := rows.Scan(&got); err != nil {
					t.Errorf("%s: %v", c.typ, err)
				}
				if err := rows.Scan(&datum); err != nil || datum.Valid != (wantValue != nil) {
					t.Errorf("%s: datum %v, %v", c.typ, datum, err)
				}
				if !equalValue(got, wantValue) || !equalValue(rows.Value(0), wantValue) {
					t.Errorf("%s, row %d: %#v, %#v, want %#v", c.typ, k, got, rows.Value(0), wantValue)
				}
				if s, ok := rows.Text(0); ok != (wantValue != nil) || ok && s != c.text {
					t.Errorf("%s, row %d: text %q", c.typ, k, s)
				}
				if rows.Next() {
					t.Error("two rows")
				}
				if err := rows.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func equalValue(a, b any) bool {
	x, ok := a.(time.Time)
	y, ok2 := b.(time.Time)
	if ok && ok2 {
		return x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

type celsius float64

type money struct{ cents int64 }

func (m money) Value() (driver.Value, error) {
	if m.cents < 0 {
		return nil, errors.New("no money")
	}
	return fmt.Sprintf("%d.%02d", m.cents/100, m.cents%100), nil
}

func (m *money) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("money from %T", src)
	}
	var whole, part int64
	_, err := fmt.Sscanf(s, "%d.%d", &whole, &part)
	m.cents = whole*100 + part
	return err
}

func pointer[T any](v T) *T { return &v }

// Arguments of every Go type.
func TestArguments(t *testing.T) {
	db := open(t, nil)
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Skip("needs time zones: the system has none")
	}
	at := time.Date(2024, 1, 1, 0, 30, 0, 123456789, vienna) // the day before in UTC
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for i, c := range []struct {
		typ  string
		arg  any
		want string
	}{
		{"int8", 1, "1"}, {"int8", int8(-1), "-1"}, {"int2", int16(2), "2"}, {"int4", int32(3), "3"}, {"int8", int64(4), "4"},
		{"int8", uint(5), "5"}, {"int8", uint8(6), "6"}, {"int8", uint16(7), "7"}, {"int8", uint32(8), "8"}, {"int8", uint64(9), "9"},
		{"numeric", uint64(math.MaxUint64), "18446744073709551615"},
		{"int2", 70000, "22003"}, {"int8", uint64(math.MaxUint64), "22003"},
		{"float8", float32(0.5), "0.5"}, {"float8", 0.1, "0.1"}, {"float4", 1e300, "22003"}, {"numeric(10,1)", 1.25, "1.3"},
		{"float8", celsius(36.6), "36.6"}, {"int4", "12", "12"}, {"int4", "twelve", "22P02"},
		{"bool", true, "t"}, {"bool", pointer(false), "f"}, {"bool", "yes", "t"},
		{"text", "x", "x"}, {"text", []byte("bytes"), "bytes"}, {"text", "\xff", "22021"}, {"text", "a\x00b", "22021"}, {"varchar(2)", "abc", "22001"},
		{"text", 7, "7"}, {"text", true, "true"}, {"text", (*string)(nil), "∅"}, {"text", []byte(nil), "∅"}, {"text", pointer("p"), "p"},
		{"text", pointer(pointer("pp")), "pp"}, {"text", &url.URL{Scheme: "https", Host: "example.org"}, "https://example.org"},
		{"text", time.March, "3"},
		{"bytea", []byte{1, 2}, `\x0102`}, {"bytea", []byte{}, `\x`}, {"bytea", `\x0a`, `\x0a`},
		{"uuid", [16]byte{15: 1}, "00000000-0000-0000-0000-000000000001"},
		{"numeric", big1, big1.String()}, {"numeric", (*big.Int)(nil), "∅"},
		{"numeric", new(big.Float).SetPrec(200).SetInt(big1), big1.String()},
		{"numeric(10,2)", money{150}, "1.50"}, {"numeric(10,2)", &money{1}, "0.01"}, {"numeric", money{-1}, "22023"},
		{"text", sql.NullString{}, "∅"}, {"text", sql.NullString{String: "s", Valid: true}, "s"}, {"int8", sql.NullInt64{Int64: 3, Valid: true}, "3"},
		{"date", at, "2024-01-01"}, {"timestamp", at, "2024-01-01 00:30:00.123456"}, {"time", at, "00:30:00.123456"},
		{"timestamptz", at, "2023-12-31 23:30:00.123456+00"}, {"timestamptz", &at, "2023-12-31 23:30:00.123456+00"}, {"timestamptz", (*time.Time)(nil), "∅"},
		{"timestamptz", time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC), "22008"},
		{"interval", 90 * time.Minute, "01:30:00"}, {"int8", time.Duration(5), "5"},
		{"int8", types.NewInt(types.Int8, 6), "6"}, {"int8", types.Null(), "∅"},
		{"text", struct{ A int }{1}, "0A000"}, {"text", make(chan int), "0A000"}, {"text", []int{1}, "0A000"}, {"text", func() {}, "0A000"},
	} {
		name := fmt.Sprintf("a%d", i)
		exec(t, db, fmt.Sprintf("CREATE TABLE %s (v %s)", name, c.typ))
		insert := "INSERT INTO " + name + " VALUES ($1)"
		_, err := db.Exec(t.Context(), insert, c.arg)
		if len(c.want) == 5 && err != nil {
			wantCode(t, err, sqlerr.Code(c.want), fmt.Sprintf("%s %T(%v)", c.typ, c.arg, c.arg))
			if !strings.Contains(err.Error(), "$1") && sqlerr.CodeOf(err) != sqlerr.StringDataRightTruncation && sqlerr.CodeOf(err) != sqlerr.NumericValueOutOfRange {
				t.Errorf("%s: which argument? %v", c.want, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %T: %v", c.typ, c.arg, err)
			continue
		}
		st, err := db.Prepare(t.Context(), insert)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Exec(t.Context(), c.arg); err != nil {
			t.Errorf("prepared: %s %T: %v", c.typ, c.arg, err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		want(t, db, c.want+"\n"+c.want, "SELECT v FROM "+name)
	}
}

// Texts are read with the session's settings, in arguments as in SQL.
func TestArgumentsFollowSettings(t *testing.T) {
	db := open(t, nil)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec(t, conn, "SET DateStyle = 'ISO, DMY'; SET TimeZone = 'America/New_York'")
	want(t, conn, "2003-02-01", "SELECT $1::date", "01/02/2003")
	want(t, conn, "2003-02-01", "SELECT '01/02/2003'::date")
	want(t, db, "2003-01-02", "SELECT $1::date", "01/02/2003")
	want(t, db, "2003-01-02", "SELECT '01/02/2003'::date")
	want(t, conn, "2003-02-01", "SELECT '01/02/2003'::date")
	want(t, conn, "2024-01-01 12:00:00-05", "SELECT $1::timestamptz", "2024-01-01 12:00")
	want(t, db, "2024-01-01 12:00:00+00", "SELECT $1::timestamptz", "2024-01-01 12:00")
	exec(t, db, "CREATE TABLE t (d date, z timestamptz)")
	exec(t, conn, "INSERT INTO t VALUES ($1, $2)", "03/04/2005", "2005-04-03 00:00")
	want(t, db, "2005-04-03|2005-04-03 05:00:00+00", "SELECT * FROM t")
	rows, err := conn.Query(t.Context(), "SELECT z FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var z time.Time
	if !rows.Next() || rows.Scan(&z) != nil || z.Location().String() != "America/New_York" || z.Hour() != 0 {
		t.Errorf("timestamptz: %v", z)
	}
}

func TestArgumentCount(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (a int4)")
	for sql, args := range map[string][]any{
		"INSERT INTO t VALUES ($1)":                {},
		"INSERT INTO t VALUES ($1) ":               {1, 2},
		"SELECT 1":                                 {1},
		"SHOW TimeZone":                            {1},
		"CREATE TABLE u (a int4)":                  {1},
		"SELECT $1; SELECT 2":                      {1},
		"BEGIN":                                    {1},
		"SELECT * FROM t WHERE a = $1 AND a <> $2": {1},
	} {
		_, err := db.Exec(t.Context(), sql, args...)
		if err == nil {
			t.Errorf("%s with %d arguments: no error", sql, len(args))
		} else if c := sqlerr.CodeOf(err); c != sqlerr.ProtocolViolation && c != sqlerr.SyntaxError && c != sqlerr.UndefinedParameter {
			t.Errorf("%s: %s %v", sql, c, err)
		}
	}
	want(t, db, "0", "SELECT count(*) FROM t")
}

func TestScanTargets(t *testing.T) {
	db := open(t, nil)
	scan := func(sql string, dest ...any) error {
		t.Helper()
		rows, err := db.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatal("no row")
		}
		return rows.Scan(dest...)
	}
	var (
		i8  int8
		i   int
		u16 uint16
		u64 uint64
		f32 float32
		f   float64
		b   bool
		s   string
		bs  []byte
		raw rawText
		tm  time.Time
		d   time.Duration
		id  [16]byte
		m   money
		np  *int
		pp  **string
		c   celsius
		ns  sql.NullString
	)
	err := scan(`SELECT 100::int8, 7::numeric, '8'::text, 9::int4, 1.5::numeric, 0.25::float4, true, 12.50::numeric(10,2), 3::int4, '4'::text,
		'2024-02-03'::date, interval '1 day 2 seconds', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 2.05::numeric(10,2), NULL::int4, 'x'::text, 3::int2, NULL::text`,
		&i8, &i, &u16, &u64, &f32, &f, &b, &s, &bs, &raw, &tm, &d, &id, &m, &np, &pp, &c, &ns)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(i8, i, u16, u64, f32, f, b, s, string(bs), string(raw), tm.Format(time.DateOnly), d, id[0], m.cents, np, **pp, c, ns.Valid)
	if wantText := "100 7 8 9 1.5 0.25 true 12.50 3 4 2024-02-03 24h0m2s 160 205 <nil> x 3 false" + "\n"; got != wantText {
		t.Errorf("%s, want %s", got, wantText)
	}
	for _, e := range []struct {
		sql  string
		dest any
		code sqlerr.Code
	}{
		{"SELECT 300", &i8, sqlerr.NumericValueOutOfRange},
		{"SELECT -1", &u64, sqlerr.NumericValueOutOfRange},
		{"SELECT 1e40::float8", &f32, sqlerr.NumericValueOutOfRange},
		{"SELECT 1.5", &i, sqlerr.DatatypeMismatch},
		{"SELECT 'x'", &i, sqlerr.DatatypeMismatch},
		{"SELECT true", &i, sqlerr.DatatypeMismatch},
		{"SELECT date '2024-01-01'", &i, sqlerr.DatatypeMismatch},
		{"SELECT now()", &u64, sqlerr.DatatypeMismatch},
		{"SELECT date 'infinity'", &tm, sqlerr.DatatypeMismatch},
		{"SELECT date 'infinity'", &f, sqlerr.DatatypeMismatch},
		{"SELECT 1", &b, sqlerr.DatatypeMismatch},
		{"SELECT 1", &tm, sqlerr.DatatypeMismatch},
		{"SELECT interval '1 month'", &d, sqlerr.NumericValueOutOfRange},
		{"SELECT interval '200000 days'", &d, sqlerr.NumericValueOutOfRange},
		{"SELECT NULL::int4", &i, sqlerr.InvalidParameterValue},
		{"SELECT NULL::text", &s, sqlerr.InvalidParameterValue},
		{"SELECT 1", i, sqlerr.InvalidParameterValue},
		{"SELECT 1", nil, sqlerr.InvalidParameterValue},
		{"SELECT 1", (*int)(nil), sqlerr.InvalidParameterValue},
		{"SELECT 1", new(chan int), sqlerr.DatatypeMismatch},
		{"SELECT 1", new([]int), sqlerr.DatatypeMismatch},
		{"SELECT 'x'", &id, sqlerr.DatatypeMismatch},
		{"SELECT 1", &m, sqlerr.InternalError},
	} {
		err := scan(e.sql, e.dest)
		if e.code == sqlerr.InternalError {
			if err == nil {
				t.Errorf("%s into %T: no error", e.sql, e.dest)
			}
			continue
		}
		wantCode(t, err, e.code, fmt.Sprintf("%s into %T", e.sql, e.dest))
		if err != nil && !strings.Contains(err.Error(), "column 0") {
			t.Errorf("which column? %v", err)
		}
	}
	wantCode(t, scan("SELECT 1, 2", &i), sqlerr.InvalidParameterValue, "too few")
}

type rawText []byte

// A row's values, and those of Value, outlive the row.
func TestValuesOutliveRows(t *testing.T) {
	db := openDir(t, t.TempDir(), nil)
	ctx := context.Background()
	exec(t, db, "CREATE TABLE t (k int4 PRIMARY KEY, v text)")
	exec(t, db, "INSERT INTO t SELECT g, repeat('value ' || g, 10) FROM generate_series(1, 5000) g")
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	var values []any
	for _, sql := range []string{"SELECT v FROM t WHERE k = 17", "SELECT v FROM t WHERE k + 0 = 17", "SELECT v FROM t WHERE k = 17 UNION ALL SELECT v FROM t WHERE k = 17"} {
		rows, err := db.Query(ctx, sql)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values = append(values, rows.Value(0))
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, db, "DROP TABLE t; CREATE TABLE t (k int4 PRIMARY KEY, v text); INSERT INTO t SELECT g, repeat('other ' || g, 10) FROM generate_series(1, 5000) g")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if v != strings.Repeat("value 17", 10) {
			t.Errorf("%q", v)
		}
	}
	if len(values) != 4 {
		t.Errorf("%d values", len(values))
	}
}

var _ lamina.Querier = (*lamina.DB)(nil)
