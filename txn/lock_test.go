package txn

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var (
	longBytes = []byte("a key of more than eight bytes")
	rowKeys   = []Key{
		RowKey(1, []byte("k")), RowKey(1, nil), RowKey(1, longBytes), UniqueKey(1, []byte("k")), UniqueKey(1, longBytes),
	}
)

func tryLock(t *testing.T, m *LockManager, o *Owner, k Key, mode Mode) bool {
	t.Helper()
	ok, err := m.TryLock(o, k, mode)
	must(t, err)
	return ok
}

func empty(t *testing.T, m *LockManager) {
	t.Helper()
	if s := m.Stats(); s.Entries != 0 || s.Waiting != 0 {
		t.Errorf("left: %+v", s)
	}
}

// TestConflicts checks every pair of modes against PostgreSQL's tables.
func TestConflicts(t *testing.T) {
	rows := []string{"GGGC", "GGCC", "GCCC", "CCCC"} // granted or conflict, weakest first
	tables := []string{
		"GGGGGGGC", "GGGGGGCC", "GGGGCCCC", "GGGCCCCC", "GGCCGCCC", "GGCCCCCC", "GCCCCCCC", "CCCCCCCC",
	}
	pairs := 0
	check := func(k Key, held, asked Mode, want bool) {
		m := NewLockManager(LockOptions{})
		a, b := NewOwner(1), NewOwner(2)
		if !tryLock(t, m, a, k, held) {
			t.Fatal("first lock")
		}
		if got := tryLock(t, m, b, k, asked); got != want {
			t.Errorf("%v held, %v asked: granted %t", held, asked, got)
		}
		m.ReleaseAll(b)
		if !tryLock(t, m, a, k, asked) {
			t.Errorf("%v held, %v refused to the holder", held, asked)
		}
		m.ReleaseAll(a)
		empty(t, m)
		pairs++
	}
	for i, line := range rows {
		for j, c := range line {
			for _, k := range rowKeys {
				check(k, RowMode(table.RowLock(i)), RowMode(table.RowLock(j)), c == 'G')
			}
		}
	}
	for i, line := range tables {
		for j, c := range line {
			check(TableKey(7), TableMode(table.TableLock(i+1)), TableMode(table.TableLock(j+1)), c == 'G')
		}
	}
	if pairs != 16*len(rowKeys)+64 {
		t.Errorf("%d pairs", pairs)
	}
}

// TestKeysAreExact: keys that differ in space, object, length or any byte do not conflict.
func TestKeysAreExact(t *testing.T) {
	m := NewLockManager(LockOptions{})
	var owners []*Owner
	n := 0
	for _, id := range []table.ObjectID{1, 2, 256} {
		for _, b := range [][]byte{
			nil, {0}, {0, 0}, []byte("12345678"), []byte("123456789"), []byte("123456780"), make([]byte, 8), make([]byte, 9),
		} {
			for _, k := range []Key{RowKey(id, b), UniqueKey(id, b)} {
				o := NewOwner(uint64(n))
				owners = append(owners, o)
				n++
				if !tryLock(t, m, o, k, RowMode(table.ForUpdate)) {
					t.Errorf("key %v of %d conflicts with another", b, id)
				}
				if tryLock(t, m, NewOwner(999), k, RowMode(table.ForKeyShare)) {
					t.Errorf("key %v of %d is free", b, id)
				}
			}
		}
	}
	if s := m.Stats(); s.Entries != int64(n) || n != 48 {
		t.Errorf("%d entries for %d keys", s.Entries, n)
	}
	for _, o := range owners {
		m.ReleaseAll(o)
	}
	empty(t, m)
}

// TestBorrowedKey: the manager keeps its own copy.
func TestBorrowedKey(t *testing.T) {
	m := NewLockManager(LockOptions{})
	a := NewOwner(1)
	b := slices.Clone(longBytes)
	tryLock(t, m, a, RowKey(1, b), RowMode(table.ForUpdate))
	b[0]++
	if tryLock(t, m, NewOwner(2), RowKey(1, longBytes), RowMode(table.ForShare)) {
		t.Error("the key has changed with the caller's buffer")
	}
	m.ReleaseAll(a)
	empty(t, m)
}

// TestSavepoints releases what was taken since a mark and keeps what was held before it.
func TestSavepoints(t *testing.T) {
	m := NewLockManager(LockOptions{})
	o, other := NewOwner(1), NewOwner(2)
	k := RowKey(1, []byte("row"))
	tryLock(t, m, o, TableKey(1), TableMode(table.RowShare))
	tryLock(t, m, o, k, RowMode(table.ForKeyShare))
	mark := o.Mark()
	tryLock(t, m, o, k, RowMode(table.ForUpdate)) // an upgrade
	tryLock(t, m, o, k, RowMode(table.ForShare))  // covered: nothing new
	tryLock(t, m, o, TableKey(1), TableMode(table.AccessExclusive))
	inner := o.Mark()
	tryLock(t, m, o, RowKey(2, longBytes), RowMode(table.ForUpdate))
	if o.Len() != 5 {
		t.Errorf("%d acquisitions", o.Len())
	}
	m.ReleaseTo(o, inner)
	if !tryLock(t, m, other, RowKey(2, longBytes), RowMode(table.ForUpdate)) {
		t.Error("the lock taken since the inner mark is still held")
	}
	if tryLock(t, m, other, k, RowMode(table.ForKeyShare)) {
		t.Error("the upgrade is gone with the inner mark")
	}
	m.ReleaseTo(o, mark)
	if !tryLock(t, m, other, k, RowMode(table.ForNoKeyUpdate)) ||
		!tryLock(t, m, other, TableKey(1), TableMode(table.RowExclusive)) {
		t.Error("the upgrades are still held")
	}
	if tryLock(t, m, other, k, RowMode(table.ForUpdate)) {
		t.Error("the lock held before the mark is gone")
	}
	m.ReleaseAll(o)
	m.ReleaseAll(other)
	empty(t, m)
}

// client is an owner with a goroutine of its own, inside a synctest bubble.
type lockClient struct {
	t      *testing.T
	m      *LockManager
	o      *Owner
	result chan error
}

func newClient(t *testing.T, m *LockManager, id uint64) *lockClient {
	return &lockClient{t, m, NewOwner(id), make(chan error, 1)}
}

// lock begins a lock; the outcome is in result.
func (c *lockClient) lock(k Key, mode Mode, wait LockWait) {
	go func() { c.result <- c.m.Lock(context.Background(), c.o, k, mode, wait) }()
	synctest.Wait()
}

func (c *lockClient) wantWaiting() {
	c.t.Helper()
	select {
	case err := <-c.result:
		c.t.Fatalf("owner %d does not wait: %v", c.o.ID(), err)
	default:
	}
}

func (c *lockClient) wantCode(code sqlerr.Code) error {
	c.t.Helper()
	synctest.Wait()
	select {
	case err := <-c.result:
		if got := sqlerr.CodeOf(err); got != code {
			c.t.Fatalf("owner %d: %v (%s), want %s", c.o.ID(), err, got, code)
		}
		return err
	default:
		c.t.Fatalf("owner %d waits", c.o.ID())
		return nil
	}
}

func (c *lockClient) wantLock() { c.t.Helper(); _ = c.wantCode("00000") }

func (c *lockClient) release() { c.m.ReleaseAll(c.o); synctest.Wait() }

// bubble runs f with n clients in a synctest bubble and checks that nothing is left.
func bubble(t *testing.T, n int, f func(m *LockManager, c []*lockClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := NewLockManager(LockOptions{})
		clients := make([]*lockClient, n)
		for i := range clients {
			clients[i] = newClient(t, m, uint64(i))
		}
		f(m, clients)
		for _, c := range clients {
			c.release()
		}
		empty(t, m)
	})
}

var (
	update   = RowMode(table.ForUpdate)
	noKey    = RowMode(table.ForNoKeyUpdate)
	share    = RowMode(table.ForShare)
	keyShare = RowMode(table.ForKeyShare)
)

// TestQueueIsFair: waiters get the lock in the order in which they came, those that agree together.
func TestQueueIsFair(t *testing.T) {
	k := UniqueKey(1, longBytes)
	bubble(t, 6, func(m *LockManager, c []*lockClient) {
		c[0].lock(k, update, LockWait{})
		c[0].wantLock()
		for i, mode := range []Mode{update, share, share, update, share} {
			c[i+1].lock(k, mode, LockWait{})
			c[i+1].wantWaiting()
		}
		blockers := fmt.Sprint(m.BlockedBy(1), m.BlockedBy(2), m.BlockedBy(4), m.BlockedBy(0))
		if blockers != "[0] [0 1] [0 1 2 3] []" {
			t.Errorf("blocked by %s", blockers)
		}
		c[0].release()
		c[1].wantLock()
		c[2].wantWaiting()
		c[1].release()
		c[2].wantLock()
		c[3].wantLock()
		c[5].wantWaiting() // behind the exclusive one
		c[2].release()
		c[4].wantWaiting()
		c[3].release()
		c[4].wantLock()
		c[4].release()
		c[5].wantLock()
	})
}

// TestNewcomers: a table or unique-key lock waits behind those with whom it conflicts; a row lock
// passes them while the holders permit, but not for ever.
func TestNewcomers(t *testing.T) {
	for _, k := range []Key{RowKey(1, longBytes), UniqueKey(1, longBytes)} {
		bubble(t, 2, func(m *LockManager, c []*lockClient) {
			c[0].lock(k, share, LockWait{})
			c[0].wantLock()
			c[1].lock(k, update, LockWait{})
			passed := 0
			late := NewOwner(99)
			for tryLock(t, m, late, k, share) {
				passed++
				m.ReleaseAll(late)
			}
			want := 0
			if k.space == RowSpace {
				want = bargesMax
			}
			if passed != want {
				t.Errorf("%v: %d passed, want %d", k.space, passed, want)
			}
			c[1].wantWaiting()
			c[0].release()
			c[1].wantLock()
		})
	}
}

// TestUpgrade: an owner that holds a lock goes before those who wait for it.
func TestUpgrade(t *testing.T) {
	k := TableKey(1)
	bubble(t, 3, func(_ *LockManager, c []*lockClient) {
		c[0].lock(k, TableMode(table.Share), LockWait{})
		c[1].lock(k, TableMode(table.AccessShare), LockWait{})
		c[2].lock(k, TableMode(table.AccessExclusive), LockWait{})
		c[0].wantLock()
		c[1].wantLock()
		c[2].wantWaiting()
		c[0].lock(k, TableMode(table.RowExclusive), LockWait{}) // at once, before owner 2
		c[0].wantLock()
		c[0].lock(k, TableMode(table.AccessExclusive), LockWait{})
		c[0].wantWaiting() // for owner 1 alone
		c[1].release()
		c[0].wantLock()
		c[2].wantWaiting()
		c[0].release()
		c[2].wantLock()
	})
}

// TestLockTimeout, cancellation and NOWAIT leave the queue as if they had not been there.
func TestLockTimeout(t *testing.T) {
	k := RowKey(3, []byte("r"))
	bubble(t, 4, func(m *LockManager, c []*lockClient) {
		c[0].lock(k, share, LockWait{})
		c[0].wantLock()
		c[1].lock(k, update, LockWait{Timeout: time.Second})
		ctx, cancel := context.WithCancel(context.Background())
		go func() { c[2].result <- m.Lock(ctx, c[2].o, k, noKey, LockWait{}) }()
		synctest.Wait()
		if tryLock(t, m, c[3].o, k, update) {
			t.Error("granted what is held")
		}
		c[3].lock(k, update, LockWait{Timeout: time.Minute})
		time.Sleep(time.Second - 1)
		synctest.Wait()
		c[1].wantWaiting()
		time.Sleep(time.Nanosecond)
		err := c[1].wantCode(sqlerr.LockNotAvailable)
		if err.Error() != "canceling statement due to lock timeout" {
			t.Errorf("text %q", err)
		}
		c[2].wantWaiting()
		cancel()
		err = c[2].wantCode(sqlerr.QueryCanceled)
		if err.Error() != "canceling statement due to user request" {
			t.Errorf("text %q", err)
		}
		c[3].wantWaiting()
		c[0].release()
		c[3].wantLock()
		if s := m.Stats(); s.Timeouts != 1 || s.Waits != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestLeavingWakesOthers: when a waiter gives up, those behind it whom it alone held up go on.
func TestLeavingWakesOthers(t *testing.T) {
	k := TableKey(9)
	bubble(t, 3, func(_ *LockManager, c []*lockClient) {
		c[0].lock(k, TableMode(table.AccessShare), LockWait{})
		c[1].lock(k, TableMode(table.AccessExclusive), LockWait{Timeout: time.Second})
		c[2].lock(k, TableMode(table.AccessShare), LockWait{})
		c[0].wantLock()
		c[2].wantWaiting()
		time.Sleep(time.Second)
		_ = c[1].wantCode(sqlerr.LockNotAvailable)
		c[2].wantLock()
	})
}

func TestStatementTimeoutCause(t *testing.T) {
	m := NewLockManager(LockOptions{})
	a, b := NewOwner(1), NewOwner(2)
	tryLock(t, m, a, TableKey(1), TableMode(table.Exclusive))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout"))
	err := m.Lock(ctx, b, TableKey(1), TableMode(table.Exclusive), LockWait{})
	wantCode(t, err, sqlerr.QueryCanceled)
	if !strings.Contains(err.Error(), "statement timeout") {
		t.Error(err)
	}
	m.ReleaseAll(a)
	m.ReleaseAll(b)
	empty(t, m)
}

func TestLockLimit(t *testing.T) {
	m := NewLockManager(LockOptions{EntriesMax: 4 * lockShards})
	o := NewOwner(1)
	var err error
	for i := 0; err == nil && i < 100*lockShards; i++ {
		_, err = m.TryLock(o, RowKey(1, fmt.Append(nil, "a long row key ", i)), update)
	}
	wantCode(t, err, sqlerr.OutOfMemory)
	m.ReleaseAll(o)
	empty(t, m)
	if !tryLock(t, m, o, TableKey(1), TableMode(table.Share)) {
		t.Error("no lock after the others were released")
	}
	m.ReleaseAll(o)
}

// TestManyLocks grows and shrinks the table.
func TestManyLocks(t *testing.T) {
	m := NewLockManager(LockOptions{})
	const n = 200000
	for range 2 {
		o := NewOwner(1)
		var key [9]byte
		for i := range n {
			key[0], key[1], key[2] = byte(i), byte(i>>8), byte(i>>16)
			if !tryLock(t, m, o, RowKey(5, key[:3+6*(i%2)]), update) {
				t.Fatal(i)
			}
		}
		if s := m.Stats(); s.Entries != n || o.Len() != n {
			t.Fatalf("%d entries, %d held", s.Entries, o.Len())
		}
		m.ReleaseAll(o)
		empty(t, m)
	}
	buckets := 0
	for i := range m.shards {
		buckets += len(m.shards[i].buckets)
	}
	if buckets > lockShards*4096 {
		t.Errorf("%d buckets are left", buckets)
	}
	o := NewOwner(1)
	o.Reset(2)
	if o.ID() != 2 {
		t.Error("reset")
	}
}

// TestLocksExclude has goroutines increment counters under locks, in a random order of keys, with
// timeouts and deadlocks on the way, and looks for lost updates.
func TestLocksExclude(t *testing.T) {
	const goroutines, rounds, keys = 8, 400, 5
	m := NewLockManager(LockOptions{})
	var counters [keys]int // each guarded by the lock on its key
	var want [keys]int
	var mu sync.Mutex
	var deadlocks int
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			o := NewOwner(uint64(g + 1))
			state := uint64(g + 1)
			for range rounds {
				var done []int
				for range 3 {
					state = mix(state + 1)
					k := int(state % keys)
					err := m.Lock(context.Background(), o, RowKey(1, []byte{byte(k)}), update, LockWait{})
					if err != nil {
						if sqlerr.CodeOf(err) != sqlerr.DeadlockDetected {
							t.Error(err)
						}
						mu.Lock()
						deadlocks++
						mu.Unlock()
						break
					}
					counters[k]++
					done = append(done, k)
					yield()
				}
				mu.Lock()
				for _, k := range done {
					want[k]++
				}
				mu.Unlock()
				m.ReleaseAll(o)
			}
		})
	}
	wg.Wait()
	if counters != want {
		t.Errorf("counted %v, want %v", counters, want)
	}
	if deadlocks == 0 || m.Stats().Waits < 100 {
		t.Errorf("%d deadlocks, %d waits", deadlocks, m.Stats().Waits)
	}
	empty(t, m)
}
