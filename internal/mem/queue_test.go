package mem

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// queued is an entry of the model: a queue that is searched from the end.
type queued struct {
	hashes  [2]uint64
	payload string
}

// queueOps does what is random with a queue and the model, and compares what they find.
func queueOps(t *testing.T, rng *rand.Rand, q *Queue, steps int) (longest, found int) {
	t.Helper()
	var model []queued
	for step := range steps {
		// Growing and shrinking in turns; in between everything goes.
		if grow := step/(steps/6)%2 == 0; rng.IntN(10) < 3 != grow || len(model) == 0 {
			e := queued{[2]uint64{rng.Uint64(), rng.Uint64N(50)}, fmt.Sprintf("%d %0*d", step, rng.IntN(60), 0)}
			if rng.IntN(500) == 0 {
				e.payload += string(make([]byte, rng.IntN(3*queueChunkBytes)))
			}
			half := len(e.payload) / 2
			q.Push(e.hashes[:], []byte(e.payload[:half]), []byte(e.payload[half:]))
			model = append(model, e)
			longest = max(longest, len(model))
		} else {
			if got := string(q.Oldest()); got != model[0].payload {
				t.Fatalf("step %d: the oldest is %.40q, want %.40q", step, got, model[0].payload)
			}
			q.Drop()
			model = model[1:]
		}
		if q.Len() != len(model) || (q.Len() == 0) != (q.Bytes() == 0) || q.Bytes() != q.tracker.Used() {
			t.Fatalf("step %d: %d entries of %d, %d bytes, %d charged", step, q.Len(), len(model), q.Bytes(), q.tracker.Used())
		}
		if step%97 == 0 && len(model) > 0 {
			found += compareQueue(t, q, model, rng.IntN(2), model[rng.IntN(len(model))])
		}
	}
	return longest, found
}

// compareQueue looks for the entries with a hash of one, and returns how many there are.
func compareQueue(t *testing.T, q *Queue, model []queued, i int, of queued) int {
	t.Helper()
	var got, want []string
	q.Find(i, of.hashes[i], func(p []byte) bool {
		got = append(got, string(p))
		return false
	})
	for _, e := range slices.Backward(model) {
		if e.hashes[i] == of.hashes[i] {
			want = append(want, e.payload)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d entries are found, want %d", len(got), len(want))
	}
	return len(got)
}

// TestQueueAgainstModel: what is found, and in which order, is what a search from the end finds; memory that holds nothing
// is given back.
func TestQueueAgainstModel(t *testing.T) {
	tracker := NewTracker("queue", 0)
	longest, found := 0, 0
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		q := NewQueue(tracker, 2)
		n, f := queueOps(t, rng, &q, 60_000)
		longest, found = max(longest, n), found+f
		q.Clear()
		if n := tracker.Used(); n != 0 || q.Len() != 0 {
			t.Fatalf("%d bytes are charged after the end", n)
		}
	}
	if longest < 4*queueBucketsMin || found < 10_000 {
		t.Errorf("at most %d entries, %d found", longest, found)
	}
}

// TestQueueOfOneHash: many entries of one hash cost no more to drop than others.
func TestQueueOfOneHash(t *testing.T) {
	q := NewQueue(nil, 1)
	const entries = 300_000
	for range entries {
		q.Push([]uint64{7}, []byte("payload"))
	}
	for q.Len() > 1 {
		q.Drop()
	}
	n := 0
	q.Find(0, 7, func([]byte) bool {
		n++
		return false
	})
	if n != 1 {
		t.Errorf("%d entries of %d", n, q.Len())
	}
	q.Clear()
}
