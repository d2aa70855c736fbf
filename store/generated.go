package store

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// generate returns complete rows of a table with the values that its generated columns must have, whatever b has there.
func generate(ctx context.Context, def *table.TableDef, funcs *table.RowFuncs, b *vec.Batch) (*vec.Batch, error) {
	if funcs == nil || funcs.Generate == nil || b.N == 0 || invariants.Mutant("store-forget-generated") {
		return b, nil
	}
	cols := def.GeneratedColumns()
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = def.Columns[c].Type
	}
	vals := vec.NewBatchBuilder(ts, b.N, nil)
	if err := funcs.Generate(ctx, b, vals); err != nil {
		return nil, err
	}
	out := vals.Batch()
	if out.N != b.N {
		return nil, sqlerr.Newf(sqlerr.InternalError, "%d values of generated columns for %d rows of table \"%s\"", out.N, b.N, def.Name)
	}
	return new(rowScratch).merge(b, cols, out), nil
}

// withGenerated returns the columns that an update of some changes: also those that are computed from them.
func (w *Writer) withGenerated(cols []int) []int {
	if w.funcs == nil || w.funcs.Generate == nil {
		return cols
	}
	return append(cols[:len(cols):len(cols)], w.def.GeneratedColumns()...)
}
