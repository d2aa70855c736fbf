package exec

import (
	"context"
	"errors"
	"testing"

	"github.com/laminadb/lamina/vec"
)

// endlessTransform makes batches without end of one batch; the third cancels.
type endlessTransform struct {
	made   int
	cancel context.CancelFunc
}

func (e *endlessTransform) start(context.Context, *vec.Batch) error { return nil }
func (e *endlessTransform) close()                                  {}
func (e *endlessTransform) produce(context.Context) (*vec.Batch, error) {
	if e.made++; e.made == 3 {
		e.cancel()
	}
	return &vec.Batch{N: e.made % 2}, nil // every other one is empty
}

// counting is an operator that counts its batches.
type counting struct{ pushed int }

func (c *counting) push(context.Context, *vec.Batch) (status, error) {
	c.pushed++
	return needMore, nil
}
func (c *counting) resume(context.Context) (status, error) { return needMore, nil }
func (c *counting) close()                                 {}

// TestCancelWithinBatch: an operator that makes many batches of one, as a join that multiplies rows, ends
// between them.
func TestCancelWithinBatch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e, next := &endlessTransform{cancel: cancel}, &counting{}
	_, err := (&stage{t: e, next: next}).push(ctx, &vec.Batch{N: 1})
	if !errors.Is(err, context.Canceled) || e.made != 3 || next.pushed != 2 {
		t.Errorf("%d batches made, %d passed on, then %v", e.made, next.pushed, err)
	}
}
