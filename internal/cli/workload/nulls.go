package workload

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/tpch"
)

var unlimited = regexp.MustCompile(`\nlimit \d+$`)

// Unlimited returns a query without the LIMIT at its end.
func Unlimited(query string) string { return unlimited.ReplaceAllString(query, "") }

// nullEvery is one in how many values is NULL.
const nullEvery = 20

// Nulls returns TPC-H with NULL in place of 5 % of the values of every column that is in no primary key: what the rows of the
// benchmark never show. Queries have no LIMIT, which would cut through rows that are equal in the ORDER BY columns.
func Nulls(sf float64, seed uint64) (*versus.Workload, error) {
	w, err := TPCH(sf)
	if err != nil {
		return nil, err
	}
	w.Name, w.Title, w.Load = "nulls", fmt.Sprintf("TPC-H with NULLs at scale factor %v", sf), nil
	for i := range w.Tables {
		t := &w.Tables[i]
		for k := range t.Columns {
			t.Columns[k].Nullable = !slices.Contains(t.Key, t.Columns[k].Name)
		}
		write := t.Write
		t.Write = func(ctx context.Context, out io.Writer) error {
			return write(ctx, &nullWriter{w: out, columns: t.Columns, seed: seed + uint64(i)<<32})
		}
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		w.Queries[n-1] = versus.Query{Name: fmt.Sprintf("Q%d", n), Text: Unlimited(tpch.Query(n)), Keys: tpch.OrderKeys(n)}
	}
	return w, nil
}

// nullWriter takes whole lines and makes some of their values empty.
type nullWriter struct {
	w       io.Writer
	columns []versus.Column
	seed    uint64
	row     uint64
	out     []byte
}

func (n *nullWriter) Write(p []byte) (int, error) {
	n.out = n.out[:0]
	for line := range bytes.Lines(p) {
		column := 0
		for field := range bytes.SplitSeq(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'|'}) {
			if column > 0 {
				n.out = append(n.out, '|')
			}
			if !n.columns[column].Nullable || mix(n.row<<8|uint64(column), n.seed)%nullEvery != 0 {
				n.out = append(n.out, field...)
			}
			column++
		}
		n.out = append(n.out, '\n')
		n.row++
	}
	if _, err := n.w.Write(n.out); err != nil {
		return 0, err
	}
	return len(p), nil
}
