package interrupt

import (
	"context"
	"errors"
	"testing"
)

func TestPoller(t *testing.T) {
	if p := New(context.Background()); p != nil || p.Err() != nil || p.Now() != nil || p.Ended() {
		t.Errorf("a context without end makes a poller: %v", p)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := New(ctx)
	before := Looks()
	for range 10 * callsPerLook {
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n := Looks() - before; n != 10 {
		t.Errorf("%d looks, want 10", n)
	}
	cancel()
	calls := 1
	for ; p.Err() == nil; calls++ {
		if calls > callsPerLook {
			t.Fatal("the end is not noticed")
		}
	}
	for range 2 {
		if err := p.Now(); !errors.Is(err, context.Canceled) || !p.Ended() {
			t.Errorf("after the end: %v", err)
		}
	}
}
