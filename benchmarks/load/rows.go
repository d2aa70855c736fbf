package load

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/types"
)

// batchOrders is the number of orders whose lines are in a batch.
const batchOrders = 2048

// rows are the lines of a scale factor.
type rows struct {
	batches []*tpch.LineItemBatch
	n       int64
}

func makeRows(ctx context.Context, sf float64) (*rows, error) {
	g, err := tpch.New(sf)
	if err != nil {
		return nil, err
	}
	if err := g.LoadText(ctx); err != nil {
		return nil, err
	}
	r := &rows{}
	units := g.Units(tpch.LineItem)
	for first := int64(0); first < units; first += batchOrders {
		b := tpch.NewBatch(tpch.LineItem).(*tpch.LineItemBatch)
		if err := g.Fill(b, first, min(batchOrders, units-first)); err != nil {
			return nil, err
		}
		r.batches = append(r.batches, b)
		r.n += int64(b.Len())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if r.n != g.Rows(tpch.LineItem) || r.n == 0 {
		return nil, fmt.Errorf("%d lines were made, want %d", r.n, g.Rows(tpch.LineItem))
	}
	return r, nil
}

// sums are those of all columns: of numbers, of days, of the lengths of strings.
type sums [16]int64

func (r *rows) sums() (s sums) {
	for _, b := range r.batches {
		for i, c := range b.Columns() {
			for _, v := range c.Int64 {
				s[i] += v
			}
			for _, v := range c.Int32 {
				s[i] += int64(v)
			}
			if c.Codes != nil {
				for j := range c.Codes.Code {
					s[i] += int64(len(c.Codes.At(j)))
				}
			}
			if c.Strings != nil {
				s[i] += int64(len(c.Strings.Data))
			}
		}
	}
	return s
}

// sumsQuery asks for sums, as text, in either dialect: length counts no trailing blanks of char(n), and a
// difference of dates is a number of days.
func sumsQuery() string {
	text := "SELECT "
	for i, c := range tpch.LineItem.Columns() {
		if i > 0 {
			text += ", "
		}
		switch c.Kind {
		case tpch.Decimal:
			text += "sum(" + c.Name + ") * 100"
		case tpch.Date:
			text += "sum(" + c.Name + " - DATE '1970-01-01')"
		case tpch.Char, tpch.VarChar:
			text += "sum(length(" + c.Name + "))"
		default:
			text += "sum(" + c.Name + ")"
		}
	}
	return text + " FROM lineitem"
}

// compare holds sums that were read, as texts, against those of the rows.
func (s *sums) compare(got []string) error {
	if len(got) != len(s) {
		return fmt.Errorf("%d sums, want %d", len(got), len(s))
	}
	for i, text := range got {
		f, _, err := big.ParseFloat(text, 10, 128, big.ToNearestEven)
		if err != nil {
			return fmt.Errorf("sum %q: %w", text, err)
		}
		if f.Cmp(new(big.Float).SetInt64(s[i])) != 0 {
			return fmt.Errorf("%s: the sum is %s, want %d", tpch.LineItem.Columns()[i].Name, text, s[i])
		}
	}
	return nil
}

// values makes the rows of a batch as Go values; decimal makes those of decimals from hundredths.
func values(b *tpch.LineItemBatch, decimal func(int64) any) [][]any {
	columns := b.Columns()
	flat := make([]any, b.Len()*len(columns))
	out := make([][]any, b.Len())
	for i := range out {
		out[i] = flat[i*len(columns) : (i+1)*len(columns) : (i+1)*len(columns)]
	}
	for k := range columns {
		c := &columns[k]
		for i := range out {
			out[i][k] = value(c, i, decimal)
		}
	}
	return out
}

func value(c *tpch.Column, i int, decimal func(int64) any) any {
	switch {
	case c.Kind == tpch.Decimal:
		return decimal(c.Int64[i])
	case c.Kind == tpch.Date:
		return time.Unix(int64(c.Int32[i])*86400, 0).UTC()
	case c.Int64 != nil:
		return c.Int64[i]
	case c.Int32 != nil:
		return c.Int32[i]
	case c.Codes != nil:
		return c.Codes.At(i)
	}
	return string(c.Strings.At(i))
}

// laminaDecimal is a decimal for Lamina, duckDecimal one for DuckDB, which takes the hundredths as they are.
func laminaDecimal(hundredths int64) any { return types.NewDecimal(hundredths, 2) }

func duckDecimal(hundredths int64) any { return hundredths }
