package types

import (
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

func TestCoerce(t *testing.T) {
	for _, c := range []struct {
		from, text, to       string
		assignment, explicit string
	}{
		{"text", "abcd", "varchar(3)", "ERROR 22001 value too long for type character varying(3)", "abc"},
		{"text", "abc  ", "varchar(3)", "abc", "abc"},
		{"text", "ab   ", "varchar(3)", "ab ", "ab "},
		{"text", "éàüx", "varchar(2)", "ERROR 22001 value too long for type character varying(2)", "éà"},
		{"text", "abcd", "char(3)", "ERROR 22001 value too long for type character(3)", "abc"},
		{"text", "abcd  ", "char(4)", "abcd", "abcd"},
		{"text", "a", "char(3)", "a  ", "a  "},
		{"text", "a\t ", "char(1)", "ERROR 22001 value too long for type character(1)", "a"},
		{"varchar", "abc", "text", "abc", "abc"},
		{"char(5)", "ab", "text", "ab", "ab"},
		{"char(5)", "ab", "varchar(2)", "ab", "ab"},
		{"text", strings.Repeat("é", 40), "name", strings.Repeat("é", 31), strings.Repeat("é", 31)},
		{"numeric", "99.95", "numeric(3,1)",
			"ERROR 22003 numeric field overflow DETAIL A field with precision 3, scale 1 must round to an absolute value less than 10^2.",
			"ERROR 22003 numeric field overflow DETAIL A field with precision 3, scale 1 must round to an absolute value less than 10^2."},
		{"numeric", "99.94", "numeric(3,1)", "99.9", "99.9"},
		{"numeric", "NaN", "numeric(3,1)", "NaN", "NaN"},
		{"timestamp", "1998-12-01 04:05:06.5", "timestamp(0)", "1998-12-01 04:05:06", "1998-12-01 04:05:06"},
		{"timestamp", "294247-01-10 04:00:54.6", "timestamp(0)", "ERROR 22008 timestamp out of range", "ERROR 22008 timestamp out of range"},
		{"interval", "1 day 02:03:04.56", "interval(1)", "1 day 02:03:04.6", "1 day 02:03:04.6"},
		{"interval", "1 year 2 days", "interval year", "1 year", "1 year"},
		{"integer", "5", "integer", "5", "5"},
		{"integer", "5", "bigint", "ERROR 42846 cannot cast type integer to bigint", "ERROR 42846 cannot cast type integer to bigint"},
	} {
		from, err1 := ParseType(c.from)
		to, err2 := ParseType(c.to)
		d, err3 := Parse(from, c.text)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(c, err1, err2, err3)
		}
		for explicit, want := range map[bool]string{false: c.assignment, true: c.explicit} {
			r, err := Coerce(d, to, explicit)
			got := to.Text(r)
			if err != nil {
				got = errorText(err)
			}
			if got != want {
				t.Errorf("%s %q to %s, explicit %v: %q, want %q", c.from, c.text, c.to, explicit, got, want)
			}
			if CoerceIsIdentity(from, to) && (err != nil || r.S != d.S || !Identical(Datum{K: to.Kind, Valid: true, I: d.I, H: d.H, S: d.S, Form: d.Form, Scale: d.Scale}, r)) {
				t.Errorf("%s to %s changes %q", c.from, c.to, c.text)
			}
		}
	}
	if r, err := Coerce(Null(), NumericPS(3, 1), false); err != nil || !r.IsNull() || r.K != Numeric {
		t.Errorf("NULL becomes %+v, %v", r, err)
	}
}

func TestRelativeTimes(t *testing.T) {
	loc, err := SessionZone("america/new_york")
	if err != nil {
		t.Fatal(err)
	}
	// In New York it is still the last day of February.
	now := time.Date(2024, 3, 1, 3, 4, 5, 678901234, time.UTC)
	o := &ParseOptions{Location: loc, Now: now}
	for _, c := range []struct {
		kind       Kind
		text, want string
	}{
		{Date, "today", "2024-02-29"}, {Date, "tomorrow", "2024-03-01"}, {Date, "yesterday", "2024-02-28"}, {Date, "now", "2024-02-29"},
		{Timestamp, "now", "2024-02-29 22:04:05.678901"}, {Timestamp, "tomorrow 04:00", "2024-03-01 04:00:00"},
		{TimestampTZ, "now", "2024-03-01 03:04:05.678901+00"}, {TimestampTZ, "today", "2024-02-29 05:00:00+00"},
		{TimestampTZ, "today 12:00 UTC", "2024-02-29 12:00:00+00"}, {Time, "now", "22:04:05.678901"},
	} {
		d, err := ParseWith(T(c.kind), c.text, o)
		if err != nil || T(c.kind).Text(d) != c.want {
			t.Errorf("%s %q: %s, %v, want %s", c.kind, c.text, T(c.kind).Text(d), err, c.want)
		}
		if _, err := Parse(T(c.kind), c.text); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
			t.Errorf("%s %q without a clock: %v", c.kind, c.text, err)
		}
	}
}

func TestDateOrder(t *testing.T) {
	for _, c := range []struct {
		order      DateOrder
		text, want string
	}{
		{MDY, "1/2/2003", "2003-01-02"}, {DMY, "1/2/2003", "2003-02-01"}, {YMD, "03-02-01", "2003-02-01"}, {DMY, "31.12.1999", "1999-12-31"},
		{YMD, "99-Jan-08", "1999-01-08"}, {DMY, "08-Jan-99", "1999-01-08"},
	} {
		d, err := ParseWith(T(Date), c.text, &ParseOptions{Order: c.order})
		if err != nil || T(Date).Text(d) != c.want {
			t.Errorf("%q in order %d: %s, %v, want %s", c.text, c.order, T(Date).Text(d), err, c.want)
		}
	}
}

func TestZones(t *testing.T) {
	at := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		east int // seconds in July 2024; -1: no such zone
	}{
		{"UTC", 0}, {"utc", 0}, {"Europe/Berlin", 7200}, {"EUROPE/BERLIN", 7200}, {"america/port_of_spain", -14400},
		{"America/Port-au-Prince", -14400}, {"america/argentina/comodrivadavia", -10800}, {"antarctica/dumontdurville", 36000},
		{"us/east-indiana", -14400}, {"etc/gmt+5", -18000}, {"nz-chat", 45900}, {"w-su", 10800}, {"est5edt", -14400},
		{"europe/isle_of_man", 3600}, {"africa/dar_es_salaam", 10800}, {"CEST", 7200}, {"pst", -28800}, {"+05:30", -19800},
		{"-8", 28800}, {"5", -18000}, {"<+05>-5", 18000}, {"xyz5xdt", -14400}, {"x3y4,M1.1.0,M2.1.0", -10800}, {"x3y4,M6.1.0,M8.1.0", -14400},
		{"abc5:30def", -16200}, {"msk", 10800}, {"UTC ", -1}, {"am-0215", -1}, {"UTC+3", -10800}, {"FOO-2", 7200}, {"", -1}, {"local", -1}, {"Europe/Atlantis", -1},
		{"../etc/passwd", -1}, {"+99", -356400}, {"+999", -1},
	} {
		zone, err := LoadZone(c.name, nil)
		if c.east == -1 {
			if sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
				t.Errorf("%q: %v, %v", c.name, zone, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.name, err)
			continue
		}
		if _, east := at.In(zone.Location(at.UnixMicro())).Zone(); east != c.east {
			t.Errorf("%q is %d seconds east, want %d", c.name, east, c.east)
		}
	}
}

func TestTextOptions(t *testing.T) {
	d := NewString(Bytea, "a\\\x00\xff")
	if got := string(AppendText(nil, d, T(Bytea), &TextOptions{ByteaEscape: true})); got != `a\\\000\377` {
		t.Errorf("escaped bytea is %s", got)
	}
	if got := AppendText([]byte("x"), Null(), T(Int4), nil); string(got) != "x" {
		t.Errorf("NULL prints as %q", got)
	}
	loc, err := SessionZone("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	ts := NewInt(TimestampTZ, 0)
	if got := string(AppendText(nil, ts, T(TimestampTZ), &TextOptions{Location: loc})); got != "1970-01-01 05:30:00+05:30" {
		t.Errorf("the epoch in Kathmandu is %s", got)
	}
}

func TestAppendTextDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 128)
	n := 0
	for _, c := range []struct{ typ, text string }{
		{"integer", "-5"}, {"bigint", "9223372036854775807"}, {"date", "1998-12-01"}, {"timestamp", "1998-12-01 04:05:06.789"},
		{"numeric(15,2)", "12345.67"}, {"numeric", "12345678901234567890123.5"}, {"double precision", "1.1"}, {"interval", "1 mon 2 days"},
		{"char(5)", "ab"}, {"time", "04:05:06"}, {"boolean", "t"}, {"bytea", `\x1234`},
	} {
		typ, err := ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(typ, c.text)
		if err != nil {
			t.Fatal(err)
		}
		if a := testing.AllocsPerRun(20, func() { buf = AppendText(buf[:0], d, typ, nil) }); a != 0 {
			t.Errorf("%s: %v allocations", c.typ, a)
		}
		n++
	}
	if n < 12 {
		t.Errorf("%d types", n)
	}
}

func TestCheckUTF8(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", ""}, {"é日🙂", ""}, {"\xff", "0xff"}, {"a\x00", "0x00"}, {"a\xe9bcd", "0xe9 0x62 0x63"}, {"\xf0\x9f", "0xf0 0x9f"},
		{"\xed\xa0\x80", "0xed 0xa0 0x80"}, {"\xc0\x80", "0xc0 0x80"},
	} {
		err := CheckUTF8([]byte(c.text))
		want := "ERROR 22021 invalid byte sequence for encoding \"UTF8\": " + c.want
		if c.want == "" && err != nil || c.want != "" && (err == nil || errorText(err) != want) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
