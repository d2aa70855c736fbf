package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// benchKeys are the rows of the table of BenchmarkIsolation.
const benchKeys = 10_000

// BenchmarkIsolation is transactions that read two rows by key and change a third one, at REPEATABLE READ and at
// SERIALIZABLE, and at REPEATABLE READ beside an open SERIALIZABLE transaction, for which they must be remembered. The log
// is written to memory.
func BenchmarkIsolation(b *testing.B) {
	for _, c := range []struct {
		name   string
		o      table.TxOptions
		beside bool
	}{
		{"repeatable_read", table.TxOptions{Isolation: table.RepeatableRead}, false},
		{"repeatable_read_remembered", table.TxOptions{Isolation: table.RepeatableRead}, true},
		{"serializable", serializable, false},
	} {
		for _, workers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", c.name, workers), func(b *testing.B) {
				s := open(b, vfs.NewMem())
				id := create(b, s, pairs("t"))
				for from := int64(0); from < benchKeys; from += 1000 {
					var rows []types.Row
					for k := from; k < from+1000; k++ {
						rows = append(rows, row(k, 0, "a value"))
					}
					tx := begin(b, s, table.TxOptions{})
					if err := insertRows(b, tx, id, rows...); err != nil {
						b.Fatal(err)
					}
					commitTx(b, tx)
				}
				var open *Tx
				if c.beside {
					open = begin(b, s, serializable)
					getRow(b, open, id, 1)
				}
				benchIsolation(b, s, id, c.o, workers)
				if open != nil {
					_ = open.Rollback()
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func benchIsolation(b *testing.B, s *Store, id table.ObjectID, o table.TxOptions, workers int) {
	vals := batch(b, pairs("t"), []int{2}, types.Row{types.NewString(types.Text, "another")})
	var next, commits, refused atomic.Int64
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				err := benchTx(s, id, o, i*7919, vals)
				switch {
				case err == nil:
					commits.Add(1)
				case sqlerr.CodeOf(err) == sqlerr.SerializationFailure:
					refused.Add(1)
				default:
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(commits.Load())/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
}

// benchTx reads two rows and changes a third one.
func benchTx(s *Store, id table.ObjectID, o table.TxOptions, k int64, vals *vec.Batch) error {
	ctx := context.Background()
	tx, err := s.Begin(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	keys := [3]types.Row{}
	for i := range keys {
		keys[i] = types.Row{types.NewInt(types.Int8, (k+int64(i)*31)%benchKeys)}
	}
	err = statement(tx.(*Tx), func(st table.Statement) error {
		r, err := st.Reader(ctx, id)
		for i := 0; err == nil && i < 2; i++ {
			_, err = r.Get(ctx, keys[i], allCols, nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = statement(tx.(*Tx), func(st table.Statement) error {
		r, err := st.Reader(ctx, id)
		if err != nil {
			return err
		}
		w, err := st.Writer(ctx, id)
		if err != nil {
			return err
		}
		ref, err := r.Ref(ctx, keys[2])
		if err == nil {
			_, err = w.Update(ctx, []table.RowRef{ref}, []int{2}, vals)
		}
		return err
	})
	if err == nil {
		_, err = tx.Commit(ctx)
	}
	return err
}
