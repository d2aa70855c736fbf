package txn

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// modelLock is a lock in a model that is a plain list.
type modelLock struct {
	owner, key int
	mode       Mode
}

// TestLocksAgainstModel takes locks without waiting, sets marks and goes back to them, and compares
// every answer with a model that looks at all locks.
func TestLocksAgainstModel(t *testing.T) {
	granted, refused, undone := 0, 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m := NewLockManager(LockOptions{})
		const owners = 5
		var os [owners]*Owner
		var model [owners][]modelLock
		for i := range os {
			os[i] = NewOwner(uint64(i))
		}
		for range 400 {
			o := rng.IntN(owners)
			switch n := rng.IntN(20); {
			case n == 0:
				m.ReleaseAll(os[o])
				model[o] = nil
			case n < 3:
				// Acquisitions that were covered have no place in the list: count with the model.
				keep := rng.IntN(len(model[o]) + 1)
				m.ReleaseTo(os[o], keep)
				model[o] = model[o][:keep]
				undone++
			default:
				key := rng.IntN(6)
				k, mode := modelKey(key, rng)
				want, covered := true, false
				for who, held := range model {
					for _, h := range held {
						if h.key != key {
							continue
						}
						if who == o {
							covered = covered || coveredBy[mode]&h.mode.bit() != 0
						} else if conflicts[mode]&h.mode.bit() != 0 {
							want = false
						}
					}
				}
				want = want || covered
				if got := tryLock(t, m, os[o], k, mode); got != want {
					t.Fatalf("seed %d: owner %d, key %d, %v: granted %t", seed, o, key, mode, got)
				}
				if want && !covered {
					model[o] = append(model[o], modelLock{o, key, mode})
				}
				if want {
					granted++
				} else {
					refused++
				}
			}
			if os[o].Len() != len(model[o]) {
				t.Fatalf("seed %d: owner %d holds %d locks, the model %d", seed, o, os[o].Len(), len(model[o]))
			}
		}
		for _, o := range os {
			m.ReleaseAll(o)
		}
		empty(t, m)
	}
	if granted < 1000 || refused < 1000 || undone < 500 {
		t.Errorf("%d granted, %d refused, %d times back to a mark", granted, refused, undone)
	}
}

// modelKey returns the key of a number: two tables, two short and two long ones.
func modelKey(key int, rng *rand.Rand) (Key, Mode) {
	switch key {
	case 0, 1:
		return TableKey(table.ObjectID(key)), TableMode(table.TableLock(1 + rng.IntN(8)))
	case 2, 3:
		return RowKey(1, []byte{byte(key)}), RowMode(table.RowLock(rng.IntN(4)))
	}
	return UniqueKey(table.ObjectID(key), longBytes), RowMode(table.RowLock(rng.IntN(4)))
}

// TestNobodyWaitsForNothing runs random owners that wait, time out, are victims and release, and
// checks after each step that conflicting locks are never held together, that whoever waits is
// held up by somebody, and that there is no cycle.
func TestNobodyWaitsForNothing(t *testing.T) {
	var waits, deadlocks, timeouts int64
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 4))
		bubble(t, 6, func(m *LockManager, c []*lockClient) {
			waiting := make([]bool, len(c))
			settle := func() {
				synctest.Wait()
				for i := range c {
					select {
					case err := <-c[i].result:
						waiting[i] = false
						switch sqlerr.CodeOf(err) {
						case "00000", sqlerr.LockNotAvailable:
						case sqlerr.DeadlockDetected:
							c[i].release()
						default:
							t.Error(err)
						}
					default:
					}
				}
			}
			for range 150 {
				i := rng.IntN(len(c))
				switch {
				case rng.IntN(30) == 0:
					time.Sleep(time.Second)
				case waiting[i]:
				case rng.IntN(4) == 0:
					c[i].release()
				default:
					k, mode := modelKey(rng.IntN(6), rng)
					waiting[i] = true
					c[i].lock(k, mode, LockWait{Timeout: time.Duration(rng.IntN(3)) * 700 * time.Millisecond})
				}
				settle()
				settle() // a victim's release may have granted others
				consistent(t, m, waiting)
			}
			for slices.Contains(waiting, true) {
				for i := range c {
					if !waiting[i] {
						c[i].release()
					}
				}
				settle()
			}
			s := m.Stats()
			waits, deadlocks, timeouts = waits+s.Waits, deadlocks+s.Deadlocks, timeouts+s.Timeouts
		})
	}
	if waits < 300 || deadlocks < 20 || timeouts < 20 {
		t.Errorf("%d waits, %d deadlocks, %d timeouts", waits, deadlocks, timeouts)
	}
}

// consistent looks at every entry.
func consistent(t *testing.T, m *LockManager, waiting []bool) {
	t.Helper()
	want := 0
	for _, w := range waiting {
		if w {
			want++
		}
	}
	waits := m.Waits()
	if len(waits) != want {
		t.Fatalf("%d owners wait, %d should", len(waits), want)
	}
	for _, w := range waits {
		if len(w.BlockedBy) == 0 {
			t.Fatalf("owner %d waits for nothing: %+v", w.Owner, w)
		}
	}
	m.lockAll()
	defer m.unlockAll()
	for i := range m.shards {
		for _, e := range m.shards[i].buckets {
			for ; e != nil; e = e.next {
				holdersAgree(t, e)
			}
		}
	}
}

func holdersAgree(t *testing.T, e *lockEntry) {
	t.Helper()
	holders := []holder{{e.owner, e.modes}}
	if e.more != nil {
		holders = append(holders, e.more.holders...)
		for _, w := range e.more.waiters {
			if findCycle(w.owner) != nil {
				t.Fatalf("owner %d waits in a cycle", w.owner.id)
			}
		}
	}
	if e.owner == nil {
		t.Fatalf("%v has no holder", e.target())
	}
	for i, a := range holders {
		for _, b := range holders[i+1:] {
			for m := range Mode(modesAll) {
				if a.modes&m.bit() != 0 && conflicts[m]&b.modes != 0 {
					t.Fatalf("owners %d and %d hold conflicting locks on %v", a.owner.id, b.owner.id, e.target())
				}
			}
		}
	}
}
