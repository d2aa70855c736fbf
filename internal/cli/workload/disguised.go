package workload

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/tpch"
)

// Disguised returns TPC-H in a form that shares nothing with it but the work: other names and another order of columns, keys through
// a random bijection of 64 bits, rows in random order, nothing NOT NULL but primary keys, random parameters. What is quick only on
// keys that are dense, rows that are in order, or names that are known, is slow here.
func Disguised(sf float64, seed uint64) (*versus.Workload, error) {
	g, err := tpch.New(sf)
	if err != nil {
		return nil, err
	}
	d := &disguise{g: g, seed: seed, names: map[string]string{}}
	w := &versus.Workload{Name: "disguised", Title: fmt.Sprintf("Disguised TPC-H at scale factor %v", sf)}
	for _, t := range tpch.Tables() {
		w.Tables = append(w.Tables, d.table(t))
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		w.Queries = append(w.Queries, versus.Query{
			Name: fmt.Sprintf("Q%d", n), Text: d.text(tpch.RandomQuery(n, sf, seed)), Keys: tpch.OrderKeys(n),
		})
	}
	return w, nil
}

type disguise struct {
	g    *tpch.Generator
	seed uint64
	// names has other names of tables and columns.
	names map[string]string
}

// rename gives a name another one, of random letters.
func (d *disguise) rename(name string) string {
	r := rand.New(rand.NewPCG(d.seed, uint64(len(d.names))))
	letters := []byte{'x'}
	for range 7 {
		letters = append(letters, byte('a'+r.IntN(26)))
	}
	d.names[name] = fmt.Sprintf("%s%d", letters, len(d.names))
	return d.names[name]
}

// table returns a table whose columns are in random order.
func (d *disguise) table(t tpch.Table) versus.Table {
	columns := t.Columns()
	order := rand.New(rand.NewPCG(d.seed, 1000+uint64(t))).Perm(len(columns))
	out := versus.Table{
		Name: d.rename(t.Name()), Rows: d.g.Rows(t),
		Write: func(ctx context.Context, w io.Writer) error { return d.write(ctx, w, t, order) },
	}
	for _, c := range columns {
		d.rename(c.Name)
	}
	for _, c := range order {
		out.Columns = append(out.Columns, versus.Column{
			Name: d.names[columns[c].Name], Type: columns[c].SQLType(), Nullable: !slices.Contains(t.PrimaryKey(), c),
		})
	}
	for _, k := range t.PrimaryKey() {
		out.Key = append(out.Key, d.names[columns[k].Name])
	}
	return out
}

var (
	words   = regexp.MustCompile(`'[^']*'|\w+`)
	keyName = regexp.MustCompile(`_(cust|order|part|supp|nation|region)key$`)
)

// text renames what a query names outside of its strings.
func (d *disguise) text(query string) string {
	return words.ReplaceAllStringFunc(query, func(word string) string {
		if other, ok := d.names[word]; ok {
			return other
		}
		return word
	})
}

// Rows are shuffled within windows of as many units, which come from pieces of the table in random order.
const (
	pieceUnits  = 64
	windowUnits = 128 << 10
)

// write writes the rows of a table in random order.
func (d *disguise) write(ctx context.Context, w io.Writer, t tpch.Table, order []int) error {
	r := rand.New(rand.NewPCG(d.seed, 2000+uint64(t)))
	units := d.g.Units(t)
	pieces := r.Perm(int((units + pieceUnits - 1) / pieceUnits))
	batch := tpch.NewBatch(t)
	for window := range slices.Chunk(pieces, windowUnits/pieceUnits) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var text []byte
		for _, p := range window {
			first := int64(p) * pieceUnits
			if err := d.g.Fill(batch, first, min(pieceUnits, units-first)); err != nil {
				return err
			}
			text = tpch.AppendTBL(text, batch, false)
		}
		lines := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'})
		r.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
		if err := d.writeLines(w, t, order, lines); err != nil {
			return err
		}
	}
	return nil
}

func (d *disguise) writeLines(w io.Writer, t tpch.Table, order []int, lines [][]byte) error {
	isKey := make([]uint64, len(order))
	for i, c := range t.Columns() {
		if m := keyName.FindStringSubmatch(c.Name); m != nil {
			isKey[i] = d.seed ^ uint64(m[1][0])<<8 ^ uint64(m[1][1])
		}
	}
	var out []byte
	for _, line := range lines {
		fields := strings.Split(string(line), "|")
		for i, c := range order {
			if i > 0 {
				out = append(out, '|')
			}
			if isKey[c] == 0 {
				out = append(out, fields[c]...)
				continue
			}
			n, err := strconv.ParseUint(fields[c], 10, 64)
			if err != nil {
				return err
			}
			out = strconv.AppendInt(out, int64(mix(n, isKey[c])), 10)
		}
		out = append(out, '\n')
	}
	_, err := w.Write(out)
	return err
}

// mix is a bijection of 64 bits: each step can be undone.
func mix(n, seed uint64) uint64 {
	n += seed * 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
