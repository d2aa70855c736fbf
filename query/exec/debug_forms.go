package exec

import (
	"context"
	"math/rand/v2"

	"github.com/laminadb/lamina/vec"
)

// reencodeRun re-encodes batches into random other forms, for tests: whatever operators do must not
// depend on the form, or on what stands in NULL or dead entries.
type reencodeRun struct {
	rng *rand.Rand
	in  *vec.Batch
}

func (q *Query) reencoder() factory {
	return func(w *worker, next operator) (operator, error) {
		rng := rand.New(rand.NewPCG(uint64(q.env.Seed), uint64(w.id)+1))
		return &stage{t: &reencodeRun{rng: rng}, next: next}, nil
	}
}

func (r *reencodeRun) start(_ context.Context, b *vec.Batch) error {
	r.in = b
	return nil
}

func (r *reencodeRun) produce(context.Context) (*vec.Batch, error) {
	if r.in == nil {
		return nil, nil
	}
	b := vec.Reencode(r.rng, r.in)
	r.in = nil
	return b, nil
}

func (r *reencodeRun) close() {}
