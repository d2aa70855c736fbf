package copytext

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var oracle = flag.String("oracle", "", "URL of a PostgreSQL 18 whose answers are to be written to testdata")

// answersFile has inputs with what PostgreSQL 18 made of them.
const answersFile = "testdata/postgresql.json"

// answer is one input. Rows are texts, null for NULL; Error is as describe has it.
type answer struct {
	Format Format
	Types  []string
	In     []byte
	Rows   [][]*string
	Error  string
}

// typeOf returns the type of kinds with a name.
func typeOf(name string) types.Type {
	for _, k := range kinds {
		if k.t.String() == name {
			return k.t
		}
	}
	panic("no type " + name)
}

// read makes an answer of what Read says.
func (a *answer) read(t *testing.T) (got answer) {
	t.Helper()
	o := Options{Table: "t", Format: a.Format, Parse: &types.ParseOptions{}, Workers: 2}
	for i, name := range a.Types {
		o.Names, o.Types = append(o.Names, fmt.Sprintf("c%d", i)), append(o.Types, typeOf(name))
	}
	got = answer{Format: a.Format, Types: a.Types, In: a.In}
	err := Read(context.Background(), bytes.NewReader(a.In), o, func(cols []vec.Vector, rows int) error {
		for i := range rows {
			var row []*string
			for k := range cols {
				var text *string
				if d := cols[k].Datum(i); d.Valid {
					s := o.Types[k].Text(d)
					text = &s
				}
				row = append(row, text)
			}
			got.Rows = append(got.Rows, row)
		}
		return nil
	})
	if err != nil {
		got.Error, got.Rows = describe(err), nil
	}
	return got
}

// TestAgainstPostgreSQL compares rows and errors with those of PostgreSQL 18.
func TestAgainstPostgreSQL(t *testing.T) {
	if *oracle != "" {
		ask(t)
	}
	b, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	n, failed := 0, 0
	for line := range bytes.Lines(b) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		got := a.read(t)
		if a.Error != "" {
			failed++
		}
		n++
		x, _ := json.Marshal(got)
		if want := bytes.TrimSpace(line); !bytes.Equal(x, want) {
			t.Errorf("%+v %q\n%q\ngot  %s %s\nwant %s %s", a.Format, a.Types, a.In, rowsText(got.Rows), got.Error, rowsText(a.Rows), a.Error)
		}
	}
	if n < 500 || failed < 150 {
		t.Errorf("%d inputs, %d with errors", n, failed)
	}
}

func rowsText(rows [][]*string) string {
	b, _ := json.Marshal(rows)
	return string(b)
}

// ask writes PostgreSQL's answers.
func ask(t *testing.T) {
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, *oracle)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // everything was answered
	var out []byte
	m := &maker{rnd: rand.New(rand.NewPCG(8, 9)), odd: 0.25}
	for range 600 {
		m.options()
		m.o.Format.EndMarker, m.o.Format.TrailingDelimiter = false, false
		m.o.Format.HeaderMatch = m.o.Format.Header && m.rnd.IntN(2) == 0
		a := answer{Format: m.o.Format}
		for _, c := range m.o.Types {
			a.Types = append(a.Types, c.String())
		}
		a.In = m.input(1 + m.rnd.IntN(5))
		if m.o.Format.HeaderMatch && m.rnd.IntN(4) > 0 {
			head := strings.Join(m.o.Names, string(m.o.Format.Delimiter))
			a.In = append([]byte(head+"\n"), a.In...)
		}
		if err := a.ask(ctx, conn); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, line...), '\n')
	}
	if err := os.WriteFile(answersFile, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (a *answer) ask(ctx context.Context, conn *pgconn.PgConn) error {
	cols := make([]string, len(a.Types))
	for i, c := range a.Types {
		cols[i] = fmt.Sprintf("c%d %s", i, c)
	}
	setup := "DROP TABLE IF EXISTS pg_temp.t; CREATE TEMP TABLE t (" + strings.Join(cols, ", ") + ")"
	if _, err := conn.Exec(ctx, setup).ReadAll(); err != nil {
		return err
	}
	quote := func(s string) string { return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	f := &a.Format
	sql := "COPY t FROM STDIN WITH (DELIMITER" + quote(string(f.Delimiter)) + ", NULL" + quote(f.Null)
	switch {
	case f.HeaderMatch:
		sql += ", HEADER match"
	case f.Header:
		sql += ", HEADER"
	}
	if f.CSV {
		sql += ", FORMAT csv, QUOTE" + quote(string(f.Quote)) + ", ESCAPE" + quote(string(f.Escape))
	}
	if _, err := conn.CopyFrom(ctx, bytes.NewReader(a.In), sql+")"); err != nil {
		e, ok := err.(*pgconn.PgError)
		if !ok {
			return err
		}
		a.Error = fmt.Sprintf("%s %s, context %q, hint %q", e.Code, e.Message, e.Where, e.Hint)
		return nil
	}
	r, err := conn.Exec(ctx, "SELECT * FROM t").ReadAll()
	if err != nil {
		return err
	}
	for _, row := range r[0].Rows {
		var texts []*string
		for _, v := range row {
			var text *string
			if v != nil {
				s := string(v)
				text = &s
			}
			texts = append(texts, text)
		}
		a.Rows = append(a.Rows, texts)
	}
	return nil
}
