package lsm

import (
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/table"
)

// pin is a Pebble snapshot, shared by the snapshots of the tier between two writes.
type pin struct {
	s   *pebble.Snapshot
	lsn table.LSN
	ref uint64 // greater than all references in it
	n   int    // holders
}

// pins are the open Pebble snapshots, oldest first, and those to be closed.
type pins struct {
	sync.Mutex
	open   []*pin
	closed []*pin
	wake   chan struct{}
	done   chan struct{} // closed when the closer has ended
	ended  bool
}

func (p *pins) start() {
	p.wake, p.done = make(chan struct{}, 1), make(chan struct{})
	go p.closer()
}

// closer closes snapshots: that can take milliseconds, which commits need not wait for.
func (p *pins) closer() {
	defer close(p.done)
	for range p.wake {
		p.Lock()
		list := p.closed
		p.closed = nil
		p.Unlock()
		for _, x := range list {
			_ = x.s.Close() // it reports nothing but a second call
		}
	}
}

// add takes over a new snapshot, with one holder.
func (p *pins) add(x *pin) {
	x.n = 1
	p.Lock()
	defer p.Unlock()
	p.open = append(p.open, x)
}

func (p *pins) hold(x *pin) {
	p.Lock()
	defer p.Unlock()
	x.n++
}

// drop gives up a snapshot; the last holder has it closed.
func (p *pins) drop(x *pin) {
	p.Lock()
	defer p.Unlock()
	if x.n--; x.n > 0 || p.ended {
		return
	}
	if i := slices.Index(p.open, x); i >= 0 {
		p.open = slices.Delete(p.open, i, i+1)
	}
	p.closed = append(p.closed, x)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// after holds the oldest snapshot that was made after a reference was given away: if any View shows the version, it
// does. nil: there is none.
func (p *pins) after(ref uint64) *pin {
	p.Lock()
	defer p.Unlock()
	for _, x := range p.open {
		if x.ref > ref {
			x.n++
			return x
		}
	}
	return nil
}

// oldest returns the LSN of the oldest snapshot: no View is older.
func (p *pins) oldest() table.LSN {
	p.Lock()
	defer p.Unlock()
	if len(p.open) == 0 {
		return 0
	}
	return p.open[0].lsn
}

// newest holds the newest snapshot; nil: there is none.
func (p *pins) newest() *pin {
	p.Lock()
	defer p.Unlock()
	if len(p.open) == 0 {
		return nil
	}
	x := p.open[len(p.open)-1]
	x.n++
	return x
}

// end closes all snapshots that are left.
func (p *pins) end() {
	if p.wake == nil {
		return
	}
	p.Lock()
	p.ended = true
	p.Unlock()
	close(p.wake)
	<-p.done
	p.Lock()
	defer p.Unlock()
	for _, x := range append(p.open, p.closed...) {
		_ = x.s.Close()
	}
	p.open, p.closed = nil, nil
}
