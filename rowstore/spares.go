package rowstore

import (
	"sync"

	"github.com/laminadb/lamina/internal/mem"
)

// sparesMax is the number of pre-faulted slabs kept ready.
const sparesMax = 2

// spares keeps slabs whose pages a goroutine has touched: the first touch of a page costs more than the rows that go
// onto it. The goroutine runs only while a load consumes slabs, so an idle store holds at most sparesMax of them.
type spares struct {
	ready chan mem.Slab
	wake  chan struct{}
	stop  chan struct{}
	done  sync.WaitGroup
}

func newSpares() *spares {
	s := &spares{ready: make(chan mem.Slab, sparesMax), wake: make(chan struct{}, 1), stop: make(chan struct{})}
	s.done.Add(1)
	go s.run()
	return s
}

// run fills ready whenever a slab was taken.
func (s *spares) run() {
	defer s.done.Done()
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		}
		for len(s.ready) < cap(s.ready) {
			slab := mem.MustAlloc(nil, slabBytesMax)
			for i := 0; i < len(slab.B); i += 4096 {
				slab.B[i] = 0
			}
			s.ready <- slab
		}
	}
}

// take returns a slab charged to t, a pre-faulted one if there is one.
func (s *spares) take(t *mem.Tracker) mem.Slab {
	var slab mem.Slab
	select {
	case slab = <-s.ready:
		slab.Adopt(t)
	default:
		slab = mem.MustAlloc(t, slabBytesMax)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return slab
}

func (s *spares) close() {
	close(s.stop)
	s.done.Wait()
	for {
		select {
		case slab := <-s.ready:
			slab.Free()
		default:
			return
		}
	}
}
