package store

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Sizes of TestSerializableLimits.
const (
	limitWorkers = 6
	limitTries   = 250 // of each
	limitGroups  = 3
	limitRows    = 4 // that a group may have
)

// TestSerializableLimits: no group ever has more rows than its limit, although each worker counts those that it sees and
// adds one or takes one away, each at a key of its own.
func TestSerializableLimits(t *testing.T) {
	for _, fs := range []vfs.FS{nil, vfs.NewMem()} {
		s := open(t, fs)
		id := create(t, s, keyless("t"))
		var added, removed, refused atomic.Int64
		var all sync.WaitGroup
		for w := range limitWorkers {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(7, uint64(w)))
				for range limitTries {
					n, err := limitStep(t, s, id, rng.Int64N(limitGroups)+1, rng.IntN(2) == 0)
					switch {
					case sqlerr.CodeOf(err) == sqlerr.SerializationFailure:
						refused.Add(1)
					case err != nil:
						t.Error(err)
						return
					case n > 0:
						added.Add(1)
					case n < 0:
						removed.Add(1)
					}
				}
			})
		}
		all.Wait()
		t.Logf("%d rows added, %d removed, %d transactions refused", added.Load(), removed.Load(), refused.Load())
		if added.Load() < 50 || removed.Load() < 50 {
			t.Errorf("only %d rows added, %d removed", added.Load(), removed.Load())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func limitStep(t *testing.T, s *Store, id table.ObjectID, group int64, more bool) (change int, err error) {
	tx := begin(t, s, serializable)
	defer func() { _ = tx.Rollback() }()
	where := table.Conjunct{Col: 1, Op: table.OpEq, Value: types.NewInt(types.Int4, group)}
	n, err := scanWhere(tx, id, where)
	switch {
	case err != nil:
		return 0, err
	case n > limitRows:
		t.Errorf("%d rows of group %d", n, group)
	case more && n < limitRows:
		change, err = 1, insertRows(t, tx, id, row(1, group, "new"))
	case n > 0:
		change, err = -1, removeOne(tx, id, where)
	}
	if err == nil {
		_, err = tx.Commit(context.Background())
	}
	return change, err
}

// removeOne deletes the first row that meets a condition.
func removeOne(tx *Tx, id table.ObjectID, where table.Conjunct) error {
	return statement(tx, func(st table.Statement) error {
		ctx := context.Background()
		r, err := st.Reader(ctx, id)
		if err != nil {
			return err
		}
		w, err := st.Writer(ctx, id)
		if err != nil {
			return err
		}
		s, err := r.Scan(ctx, table.ScanSpec{Cols: []int{1}, Refs: true, Where: []table.Conjunct{where}})
		if err != nil {
			return err
		}
		defer s.Close() //nolint:errcheck // a read-only scan has nothing to report at its end
		for {
			m, err := s.NextMorsel(ctx)
			if isEOF(err) {
				return nil
			}
			if err != nil {
				return err
			}
			done := false
			err = readRows(ctx, m, func(c *rowCheck) error {
				for i := 0; i < c.batch.N && !done; i++ {
					if holds(c.batch.BatchDatum(0, i), &where) {
						done = true
						_, err := w.Delete(ctx, []table.RowRef{table.RowRef(c.batch.BatchDatum(1, i).I)})
						return err
					}
				}
				return nil
			})
			if err != nil || done {
				return err
			}
		}
	})
}

// Sizes of TestSerializableOrder.
const (
	orderWriters = 3
	orderCopiers = 2
	orderEach    = 300 // commits of each copier
)

// stamp is a value of the first row, or a copy of it, and the LSN that wrote it.
type stamp struct {
	lsn  table.LSN
	copy bool
	v    string
}

// TestSerializableOrder: whoever copies a value at SERIALIZABLE copies the one that is there at its own LSN, while others
// change it at READ COMMITTED, and although commits begin and end to be remembered all the time.
func TestSerializableOrder(t *testing.T) {
	for _, fs := range []vfs.FS{nil, vfs.NewMem()} {
		s := open(t, fs)
		id := filledTable(t, s, "t", 1+orderCopiers)
		var all sync.WaitGroup
		var running, next, refused atomic.Int64
		lists := make([][]stamp, orderWriters+orderCopiers)
		running.Store(orderCopiers)
		for w := range orderWriters {
			all.Go(func() {
				for running.Load() > 0 && len(lists[w]) < 100*orderEach {
					tx := begin(t, s, table.TxOptions{})
					v := strconv.FormatInt(next.Add(1), 10)
					if _, err := lockAndSet(t, tx, id, 1, v); err != nil {
						t.Error(err)
						return
					}
					lists[w] = append(lists[w], stamp{commitTx(t, tx).LSN, false, v})
				}
			})
		}
		for w := range orderCopiers {
			all.Go(func() {
				defer running.Add(-1)
				list := &lists[orderWriters+w]
				for try := 0; (len(*list) < orderEach || refused.Load() == 0) && try < 100*orderEach; try++ {
					tx := begin(t, s, serializable)
					v := getRow(t, tx, id, 1)[2].S
					runtime.Gosched()
					receipt, err := table.Receipt{}, setV(t, tx, id, int64(2+w), v)
					if err == nil {
						receipt, err = tx.Commit(context.Background())
					}
					_ = tx.Rollback()
					switch {
					case err == nil:
						*list = append(*list, stamp{receipt.LSN, true, strings.Clone(v)})
					case sqlerr.CodeOf(err) == sqlerr.SerializationFailure:
						refused.Add(1)
					default:
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		checkOrder(t, slices.Concat(lists...))
		t.Logf("%d changes, %d refused", next.Load(), refused.Load())
		if refused.Load() == 0 {
			t.Error("no transaction was refused")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// lockAndSet locks a row, follows it to its newest version, and sets v.
func lockAndSet(t *testing.T, tx *Tx, id table.ObjectID, key int64, v string) (out table.Outcome, err error) {
	return out, statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, []int64{key})
		if err != nil {
			return err
		}
		locked := make([]table.LockResult, 1)
		if err := w.Lock(context.Background(), refs, table.ForNoKeyUpdate, table.WaitBlock, locked); err != nil {
			return err
		}
		refs[0] = locked[0].Ref
		out, err = w.Update(context.Background(), refs, []int{2}, batch(t, w.Def(), []int{2}, types.Row{types.NewString(types.Text, v)}))
		return err
	})
}

func checkOrder(t *testing.T, list []stamp) {
	t.Helper()
	slices.SortFunc(list, func(a, b stamp) int { return cmp.Compare(a.lsn, b.lsn) })
	v, copies := "v", 0
	for _, x := range list {
		switch {
		case !x.copy:
			v = x.v
		case x.v != v:
			t.Errorf("commit %d copies %q, when %q is there", x.lsn, x.v, v)
		default:
			copies++
		}
	}
	if copies < orderCopiers*orderEach/2 {
		t.Errorf("only %d copies", copies)
	}
}
