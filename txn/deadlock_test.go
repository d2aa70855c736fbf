package txn

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// ringKey mixes what the owners of a cycle lock.
func ringKey(i int) (Key, Mode) {
	switch i % 3 {
	case 0:
		return TableKey(table.ObjectID(100 + i)), TableMode(table.ShareRowExclusive)
	case 1:
		return RowKey(table.ObjectID(100+i), fmt.Append(nil, "a long key of row ", i)), update
	}
	return UniqueKey(table.ObjectID(100+i), []byte{byte(i)}), update
}

// TestDeadlockCycles closes cycles of 2 to 12 owners over tables, rows and unique keys: the last one
// is the victim, the others go on.
func TestDeadlockCycles(t *testing.T) {
	for n := 2; n <= 12; n++ {
		bubble(t, n, func(m *LockManager, c []*lockClient) {
			for i := range n {
				k, mode := ringKey(i)
				c[i].lock(k, mode, LockWait{})
				c[i].wantLock()
			}
			for i := range n - 1 {
				k, mode := ringKey(i + 1)
				c[i].lock(k, mode, LockWait{})
				c[i].wantWaiting()
			}
			k, mode := ringKey(0)
			c[n-1].lock(k, mode, LockWait{})
			err := c[n-1].wantCode(sqlerr.DeadlockDetected)
			e, _ := errors.AsType[*sqlerr.Error](err)
			lines := strings.Split(e.Detail, "\n")
			if len(lines) != n || !errors.Is(err, ErrDeadlock) || e.Message != "deadlock detected" {
				t.Errorf("%d owners: %q, detail %q", n, e.Message, e.Detail)
			}
			first := fmt.Sprintf("Process %d waits for ShareRowExclusiveLock on relation 100; blocked by process 0.", n-1)
			if !strings.HasPrefix(e.Detail, first) {
				t.Errorf("detail %q does not begin with %q", e.Detail, first)
			}
			if len(m.Waits()) != n-1 {
				t.Errorf("%d owners wait", len(m.Waits()))
			}
			for i := n - 1; i > 0; i-- {
				c[i].release()
				c[i-1].wantLock()
			}
			if m.Stats().Deadlocks != 1 {
				t.Errorf("stats %+v", m.Stats())
			}
		})
	}
}

// TestUpgradeDeadlock: two owners that share a lock both ask for more.
func TestUpgradeDeadlock(t *testing.T) {
	for _, k := range []Key{RowKey(1, longBytes), TableKey(1)} {
		weak, strong := share, update
		if k.space == TableSpace {
			weak, strong = TableMode(table.Share), TableMode(table.Exclusive)
		}
		bubble(t, 2, func(_ *LockManager, c []*lockClient) {
			c[0].lock(k, weak, LockWait{})
			c[1].lock(k, weak, LockWait{})
			c[0].wantLock()
			c[1].wantLock()
			c[0].lock(k, strong, LockWait{})
			c[0].wantWaiting()
			c[1].lock(k, strong, LockWait{})
			_ = c[1].wantCode(sqlerr.DeadlockDetected)
			c[1].release()
			c[0].wantLock()
		})
	}
}

// TestDeadlockAfter: the owner that searches first is the victim, whoever closed the cycle.
func TestDeadlockAfter(t *testing.T) {
	a, b := RowKey(1, []byte("a")), RowKey(1, []byte("b"))
	bubble(t, 2, func(_ *LockManager, c []*lockClient) {
		c[0].lock(a, update, LockWait{})
		c[1].lock(b, update, LockWait{})
		c[0].wantLock()
		c[1].wantLock()
		c[0].lock(b, update, LockWait{DeadlockAfter: 100 * time.Millisecond})
		c[1].lock(a, update, LockWait{DeadlockAfter: 10 * time.Second})
		c[0].wantWaiting()
		c[1].wantWaiting()
		time.Sleep(100 * time.Millisecond)
		_ = c[0].wantCode(sqlerr.DeadlockDetected)
		c[1].wantWaiting()
		c[0].release()
		c[1].wantLock()
	})
}

// TestOneVictim: two owners search the same cycle at the same moment.
func TestOneVictim(t *testing.T) {
	a, b := RowKey(1, []byte("a")), RowKey(1, []byte("b"))
	bubble(t, 2, func(m *LockManager, c []*lockClient) {
		c[0].lock(a, update, LockWait{})
		c[1].lock(b, update, LockWait{})
		c[0].wantLock()
		c[1].wantLock()
		wait := LockWait{DeadlockAfter: time.Second}
		c[0].lock(b, update, wait)
		c[1].lock(a, update, wait)
		time.Sleep(time.Second)
		synctest.Wait()
		if m.Stats().Deadlocks != 1 || m.Stats().Waiting != 1 {
			t.Fatalf("stats %+v", m.Stats())
		}
		victim, other := c[0], c[1]
		if m.BlockedBy(0) != nil {
			victim, other = c[1], c[0]
		}
		_ = victim.wantCode(sqlerr.DeadlockDetected)
		victim.release()
		other.wantLock()
	})
}

// TestQueueOrderIsNoDeadlock: a cycle that runs through the order of a queue alone is opened by
// changing that order.
func TestQueueOrderIsNoDeadlock(t *testing.T) {
	row := RowKey(1, longBytes)
	tab := TableKey(1)
	bubble(t, 3, func(m *LockManager, c []*lockClient) {
		c[0].lock(tab, TableMode(table.AccessShare), LockWait{})
		c[1].lock(row, update, LockWait{})
		c[0].wantLock()
		c[1].wantLock()
		c[2].lock(tab, TableMode(table.AccessExclusive), LockWait{}) // waits for 0
		c[2].wantWaiting()
		c[0].lock(row, update, LockWait{}) // waits for 1
		c[0].wantWaiting()
		c[1].lock(tab, TableMode(table.AccessShare), LockWait{}) // behind 2, which need not be
		c[1].wantLock()
		if m.Stats().Deadlocks != 0 {
			t.Errorf("stats %+v", m.Stats())
		}
		c[1].release()
		c[0].wantLock()
		c[0].release()
		c[2].wantLock()
	})
}

// TestNoFalseDeadlock: long queues and chains without a cycle.
func TestNoFalseDeadlock(t *testing.T) {
	hot := RowKey(1, []byte("hot"))
	bubble(t, 20, func(m *LockManager, c []*lockClient) {
		for i := range c {
			k, mode := ringKey(i)
			c[i].lock(k, mode, LockWait{})
			c[i].wantLock()
		}
		for i := range c {
			c[i].lock(hot, update, LockWait{})
		}
		if s := m.Stats(); s.Waiting != 19 || s.Deadlocks != 0 {
			t.Fatalf("stats %+v", s)
		}
		for i := range c {
			c[i].wantLock()
			c[i].release()
		}
	})
}

// TestWaits shows the wait graph.
func TestWaits(t *testing.T) {
	row := RowKey(5, []byte("abc"))
	bubble(t, 3, func(m *LockManager, c []*lockClient) {
		if m.Waits() != nil || m.BlockedBy(1) != nil {
			t.Error("waits of nobody")
		}
		c[0].lock(row, update, LockWait{})
		c[2].lock(row, noKey, LockWait{})
		c[1].lock(row, keyShare, LockWait{})
		c[0].wantLock()
		got := fmt.Sprint(m.Waits())
		want := "[{1 row of relation 5 ForKeyShare [0]} {2 row of relation 5 ForNoKeyUpdate [0]}]"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if k := m.Waits()[0].Target.Key; string(k) != "abc" {
			t.Errorf("key %q", k)
		}
		c[0].release()
		c[1].wantLock()
		c[2].wantLock()
	})
}
