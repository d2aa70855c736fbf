package lamina

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
)

// callersMax bounds the frames that are searched for the caller's: database/sql has some of its own.
const callersMax = 20

// handle stands for something that its user has to end before the DB is closed: rows, a reader, a transaction, an
// appender, a session in a transaction. It remembers where it was made.
type handle struct {
	what       string
	prev, next *handle // in handles; prev is nil if it is not there
	// holds reports whether there is anything to end now; nil: always.
	holds func() bool
	depth int
	pcs   [callersMax]uintptr
}

// handles are what is open in a DB.
type handles struct {
	sync.Mutex
	closed bool
	// calls is the number of calls that run now.
	calls    int
	list     handle // of a ring
	sessions []*query.Session
	// changed is sent to when something ends after the DB was closed.
	changed chan struct{}
	// ended is closed when the DB is: calls that run long end then.
	ended chan struct{}
}

func (h *handles) init() {
	h.ended = make(chan struct{})
	h.list.prev, h.list.next = &h.list, &h.list
	h.changed = make(chan struct{}, 1)
}

// enter begins a call, which leave ends.
func (h *handles) enter() error {
	h.Lock()
	defer h.Unlock()
	if h.closed {
		return errClosed
	}
	h.calls++
	return nil
}

func (h *handles) leave() {
	h.Lock()
	h.calls--
	h.signal()
	h.Unlock()
}

func (h *handles) isClosed() bool {
	h.Lock()
	defer h.Unlock()
	return h.closed
}

// add notes what is made now.
func (h *handles) add(what string, holds func() bool) *handle {
	n := &handle{what: what, holds: holds}
	n.depth = runtime.Callers(3, n.pcs[:])
	h.Lock()
	n.prev, n.next = h.list.prev, &h.list
	n.prev.next, n.next.prev = n, n
	h.Unlock()
	return n
}

// remove forgets a handle that has ended.
func (h *handles) remove(n *handle) {
	h.Lock()
	if n != nil && n.prev != nil {
		n.prev.next, n.next.prev = n.next, n.prev
		n.prev, n.next = nil, nil
		h.signal()
	}
	h.Unlock()
}

// poke lets Close look again at what is open.
func (h *handles) poke() {
	h.Lock()
	h.signal()
	h.Unlock()
}

func (h *handles) signal() {
	if h.closed {
		select {
		case h.changed <- struct{}{}:
		default:
		}
	}
}

// shut lets no call begin any more, and returns the sessions that are idle.
func (h *handles) shut() ([]*query.Session, error) {
	h.Lock()
	defer h.Unlock()
	if h.closed {
		return nil, errClosed
	}
	h.closed = true
	close(h.ended)
	idle := h.sessions
	h.sessions = nil
	return idle, nil
}

// leakedMax bounds the handles that an error names.
const leakedMax = 10

// leaked describes what has not ended; "" if nothing.
func (h *handles) leaked() string {
	h.Lock()
	defer h.Unlock()
	var open []string
	if h.calls > 0 {
		open = append(open, fmt.Sprintf("%d calls that run", h.calls))
	}
	more := 0
	for n := h.list.next; n != &h.list; n = n.next {
		switch {
		case n.holds != nil && !n.holds():
		case len(open) < leakedMax:
			open = append(open, n.what+" of "+n.place())
		default:
			more++
		}
	}
	if more > 0 {
		open = append(open, fmt.Sprintf("%d more", more))
	}
	return strings.Join(open, "; ")
}

// wait waits until everything has ended, for at most d, and names what has not.
func (h *handles) wait(d time.Duration) error {
	timeout := time.NewTimer(max(d, 0))
	defer timeout.Stop()
	for {
		open := h.leaked()
		if open == "" || invariants.Mutant("lamina-close-at-once") {
			return nil
		}
		select {
		case <-h.changed:
		case <-timeout.C:
			return sqlerr.New(sqlerr.ObjectInUse, "the database was closed while in use: "+open).
				WithHint("Close rows and appenders, release readers, and end transactions before.")
		}
	}
}

// place returns the function, file and line that made the handle: the first outside of this package, the driver and
// database/sql.
func (n *handle) place() string {
	frames := runtime.CallersFrames(n.pcs[:n.depth])
	for {
		f, more := frames.Next()
		own := strings.HasPrefix(f.Function, "github.com/laminadb/lamina.") ||
			strings.HasPrefix(f.Function, "github.com/laminadb/lamina/stdlib.") ||
			strings.HasPrefix(f.Function, "database/sql.")
		if !own || !more {
			return fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line)
		}
	}
}
