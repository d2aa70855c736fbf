package query

import (
	"context"
	"testing"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/table"
)

// watchedTx is a transaction of which nothing is known but who was in a hurry when it was committed.
type watchedTx struct {
	table.Tx
	pool    *exec.Pool
	hurried int64
}

func (t *watchedTx) Commit(context.Context) (table.Receipt, error) {
	t.hurried = t.pool.Hurried()
	return table.Receipt{}, nil
}

// TestCommitsAreInAHurry: queries let a commit through that may have something to write, and no other.
func TestCommitsAreInAHurry(t *testing.T) {
	pool := exec.NewPool(1)
	defer pool.Close()
	for _, c := range []struct {
		name string
		tx   txState
		want int64
	}{
		{"read only", txState{}, 0},
		{"changed rows", txState{changed: true}, 1},
		{"used from outside", txState{lent: true}, 1},
		{"used from outside to read", txState{lent: true, o: table.TxOptions{ReadOnly: true}}, 0},
	} {
		x := &watchedTx{pool: pool}
		s := &Session{e: &Engine{pool: pool}, tx: c.tx}
		s.tx.tx = x
		if _, err := s.commitStorage(t.Context()); err != nil {
			t.Fatal(err)
		}
		if x.hurried != c.want || pool.Hurried() != 0 {
			t.Errorf("%s: %d in a hurry, want %d, and %d after it", c.name, x.hurried, c.want, pool.Hurried())
		}
	}
}
