package copytext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// pieces returns input in reads of random sizes.
type pieces struct {
	in  []byte
	rnd *rand.Rand
	max int
	err error // at the end, instead of io.EOF
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 1+p.rnd.IntN(p.max))], p.in)
	p.in = p.in[n:]
	return n, nil
}

// kinds are the types of columns and texts of their values, most of them right.
var kinds = []struct {
	t    types.Type
	text []string
}{
	{types.T(types.Int4), []string{"0", "1", "-1", "2147483647", "-2147483648", " 12 ", "+7", "0x1F", "1_000", "00000000000000000012"}},
	{types.T(types.Int2), []string{"32767", "-32768", "5"}},
	{types.T(types.Int8), []string{"9223372036854775807", "-9223372036854775808", "1234567890123456", "-12345678", "123456789"}},
	{types.NumericPS(15, 2), []string{"1.00", "-3.25", "9999999999999.99", "0.005", "1e3", "12", ".5", "-0.00", "123456789.12", "NaN"}},
	{types.NumericPS(3, 0), []string{"1", "-999", "999.4", "0.5"}},
	{types.NumericPS(30, 10), []string{"1.5", "12345678901234567890.0123456789", "NaN"}},
	{types.T(types.Numeric), []string{"1", "1.5", "1.50", "123456789012345678901234567890.123", "NaN", "Infinity", "-7"}},
	{types.T(types.Date), []string{"1996-03-13", "2024-02-29", "infinity", "0044-03-15 BC", "epoch", "1/8/1999", "9999-12-31"}},
	{types.T(types.Timestamp), []string{"2024-01-01 10:11:12", "2024-01-01 10:11:12.25", "-infinity", "1999-01-08"}},
	{types.T(types.TimestampTZ), []string{"2024-01-01 10:11:12+02", "2024-01-01 10:11:12Z", "2024-01-01 00:00:00"}},
	{types.T(types.Bool), []string{"t", "false", "1", "yes"}},
	{types.T(types.Float8), []string{"1.5", "-0", "NaN", "1e300", "-Infinity"}},
	{types.T(types.Text), []string{"plain", "a text of more than twelve bytes", "ä€𝄞", "1", " blanks ", "\x01"}},
	{types.VarcharN(5), []string{"abc", "abcde", "ääääа", "abcde   "}},
	{types.CharN(4), []string{"a", "abcd", "a  ", "äöüß", "    "}},
	{types.T(types.Bytea), []string{"\\x0102", "abc"}},
	{types.T(types.Interval), []string{"1 day", "2 mons -3 days 04:05:06"}},
}

// wrong are texts that some type does not take.
var wrong = []string{"x", "1.5.2", "99999999999999999999", "2024-02-30", "1e400", "a text that is far too long", "-", "1234567890123.999", "\xff", "a\x00b", "100000"}

// maker makes inputs.
type maker struct {
	rnd  *rand.Rand
	o    *Options
	kind []int
	odd  float64 // the share of fields that are odd
	out  []byte
}

func (m *maker) options() {
	o := &Options{Table: "t", Format: Text(), Parse: &types.ParseOptions{}}
	if m.rnd.IntN(3) > 0 {
		o.Format = CSV()
	}
	f := &o.Format
	switch m.rnd.IntN(6) {
	case 0:
		f.Delimiter, f.Null = '|', "none"
	case 1:
		f.Delimiter, f.TrailingDelimiter = '|', !f.CSV
	case 2:
		if f.CSV {
			f.Quote, f.Escape = '\'', '\\'
		}
	case 3:
		if f.CSV {
			f.Null = `\N`
		} else {
			f.Null = ""
		}
	}
	f.Header, f.EndMarker = m.rnd.IntN(4) == 0, m.rnd.IntN(2) == 0
	m.o, m.kind = o, nil
	for i := range 1 + m.rnd.IntN(6) {
		k := m.rnd.IntN(len(kinds))
		m.kind = append(m.kind, k)
		o.Names, o.Types = append(o.Names, fmt.Sprintf("c%d", i)), append(o.Types, kinds[k].t)
	}
}

func (m *maker) input(rows int) []byte {
	m.out = nil
	newline := []string{"\n", "\n", "\r\n", "\r"}[m.rnd.IntN(4)]
	for i := range rows {
		n := len(m.kind)
		if m.hit(0.05) {
			n += m.rnd.IntN(3) - 1
		}
		for k := range n {
			if k > 0 {
				m.out = append(m.out, m.o.Format.Delimiter)
			}
			m.field(k)
		}
		if m.o.Format.TrailingDelimiter && m.rnd.IntN(8) > 0 {
			m.out = append(m.out, m.o.Format.Delimiter)
		}
		switch {
		case m.hit(0.02):
			m.out = append(m.out, []string{"\r", "\n", "\\.\n", "\\.", `"`}[m.rnd.IntN(5)]...)
		case i == rows-1 && m.rnd.IntN(2) == 0:
			if m.rnd.IntN(2) == 0 {
				m.out = append(m.out, newline+`\.`...)
				if m.rnd.IntN(2) == 0 {
					m.out = append(m.out, newline...)
				}
			}
			continue
		}
		m.out = append(m.out, newline...)
	}
	return m.out
}

// hit is true with the probability of odd things, times p.
func (m *maker) hit(p float64) bool { return m.rnd.Float64() < m.odd*p*10 }

func (m *maker) field(k int) {
	f := &m.o.Format
	if m.rnd.IntN(8) == 0 {
		m.out = append(m.out, f.Null...)
		return
	}
	text := "2"
	if k < len(m.kind) {
		list := kinds[m.kind[k]].text
		text = list[m.rnd.IntN(len(list))]
		if kinds[m.kind[k]].t.Kind == types.Text && m.rnd.IntN(4) == 0 {
			text += string([]byte{f.Delimiter, '\n', f.Quote | 1, f.Escape | 1, '\\', '\r'}[m.rnd.IntN(6)]) + "z"
		}
	}
	if m.hit(0.05) {
		text = wrong[m.rnd.IntN(len(wrong))]
	}
	if f.CSV {
		m.csvField(text)
		return
	}
	if m.hit(0.05) {
		m.out = append(m.out, []string{`\x41`, `\101`, `\b`, `\xff`, `\0`, `\`, `\q`}[m.rnd.IntN(7)]...)
	}
	for _, c := range []byte(text) {
		switch c {
		case '\n':
			m.out = append(m.out, []string{`\n`, "\\\n"}[m.rnd.IntN(2)]...)
			continue
		case '\r':
			m.out = append(m.out, `\r`...)
			continue
		case '\\', f.Delimiter:
			m.out = append(m.out, '\\')
		}
		m.out = append(m.out, c)
	}
}

func (m *maker) csvField(text string) {
	f := &m.o.Format
	if !strings.ContainsAny(text, string([]byte{f.Delimiter, f.Quote, '\n', '\r'})) && m.rnd.IntN(4) > 0 && !m.hit(0.02) {
		m.out = append(m.out, text...)
		return
	}
	if m.hit(0.03) {
		m.out = append(m.out, 'p')
	}
	m.out = append(m.out, f.Quote)
	for _, c := range []byte(text) {
		if (c == f.Quote || c == f.Escape) && !m.hit(0.02) {
			m.out = append(m.out, f.Escape)
		}
		m.out = append(m.out, c)
	}
	m.out = append(m.out, f.Quote)
	if m.hit(0.03) {
		m.out = append(m.out, 's')
	}
}

// same compares what Read makes of an input with the reference.
func same(t *testing.T, o Options, in []byte, rnd *rand.Rand) (rows int, failed bool) {
	t.Helper()
	ref := reference{o: &o, in: in}
	wantErr := ref.read()
	r := newReader(&pieces{in: in, rnd: rnd, max: []int{1, 7, 4096}[rnd.IntN(3)]}, &o)
	r.split.rowsMax, r.split.bytesMax = 1+rnd.IntN(600), 1+rnd.IntN(20_000)
	n := 0
	err := r.read(context.Background(), func(cols []vec.Vector, rows int) error {
		if rows > r.split.rowsMax || len(cols) != len(o.Types) {
			return fmt.Errorf("%d rows of %d columns", rows, len(cols))
		}
		for i := range rows {
			if n+i >= len(ref.rows) {
				return fmt.Errorf("row %d is too much", n+i)
			}
			for k := range cols {
				if got, want := cols[k].Datum(i), ref.rows[n+i][k]; !types.Identical(got, want) {
					return fmt.Errorf("row %d, column %d (%s): %v, want %v", n+i, k, o.Types[k], got, want)
				}
			}
		}
		n += rows
		return nil
	})
	if got, want := oneByte(describe(err)), oneByte(describe(wantErr)); got != want || n != len(ref.rows) {
		t.Fatalf("%+v\n%q\n%d rows, %s\nwant %d, %s", o, in, n, got, len(ref.rows), want)
	}
	return n, err != nil
}

func describe(err error) string {
	if err == nil {
		return "no error"
	}
	e := sqlerr.From(err)
	return fmt.Sprintf("%s %s, context %q, hint %q", e.Code, e.Message, e.Context, e.Hint)
}

// oneByte cuts the bytes after the first one that an error names: they are those that happen to have been read.
func oneByte(text string) string {
	i := strings.Index(text, "UTF8\": 0x")
	if i < 0 {
		return text
	}
	return text[:i+10] + strings.TrimLeft(text[i+10:], "0123456789abcdefx ")
}

// TestAgainstReference reads random inputs, most of them with something odd, in random chunks by several workers.
func TestAgainstReference(t *testing.T) {
	m := &maker{rnd: rand.New(rand.NewPCG(1, 2))}
	inputs, rows, failed := 3000, 0, 0
	for i := range inputs {
		m.options()
		m.o.Workers = 1 + i%3
		size := 1 + m.rnd.IntN(12)
		m.odd = 0.08
		if i%10 == 0 {
			size, m.odd = 1+m.rnd.IntN(1500), 0.002*float64(i%3)
		}
		n, bad := same(t, *m.o, m.input(size), m.rnd)
		rows += n
		if bad {
			failed++
		}
	}
	t.Logf("%d inputs, %d rows, %d with an error", inputs, rows, failed)
	if rows < 50_000 || failed < inputs/4 || failed > inputs*3/4 {
		t.Errorf("%d inputs, %d rows, %d with an error", inputs, rows, failed)
	}
}

// FuzzRead compares what Read makes of any bytes with the reference.
func FuzzRead(f *testing.F) {
	m := &maker{rnd: rand.New(rand.NewPCG(3, 4)), odd: 0.3}
	for i := range 20 {
		m.options()
		f.Add(uint64(i), m.input(3))
	}
	f.Fuzz(func(t *testing.T, seed uint64, in []byte) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		m := &maker{rnd: rnd}
		m.options()
		m.o.Workers = 1 + rnd.IntN(2)
		same(t, *m.o, in, rnd)
	})
}

// TestEnds ends reads at an error of the input, of the caller and of the context: that is what Read returns, and the
// workers are gone.
func TestEnds(t *testing.T) {
	o := Options{Table: "t", Format: CSV(), Names: []string{"a"}, Types: []types.Type{types.T(types.Int4)}, Workers: 3}
	in := bytes.Repeat([]byte("12345\n"), 50_000)
	broken := errors.New("broken")
	rnd := rand.New(rand.NewPCG(6, 7))
	n := 0
	count := func(_ []vec.Vector, rows int) error { n += rows; return nil }
	if err := Read(context.Background(), &pieces{in: in, rnd: rnd, max: 1 << 20, err: broken}, o, count); !errors.Is(err, broken) || n != 50_000 {
		t.Errorf("%d rows, %v", n, err)
	}
	err := Read(context.Background(), bytes.NewReader(in), o, func([]vec.Vector, int) error { return broken })
	if err != broken {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n = 0
	err = Read(ctx, bytes.NewReader(in), o, func(_ []vec.Vector, rows int) error {
		n += rows
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != chunkRows {
		t.Errorf("%d rows, %v", n, err)
	}
}
