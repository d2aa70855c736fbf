package store

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
)

// history remembers what commits changed while a SERIALIZABLE transaction is open that may write and may
// have to look at it. While there is none, a commit pays for a look at open.
type history struct {
	open atomic.Int64

	mu    sync.Mutex
	known bool      // since is set
	err   error     // why it could not be set
	since table.LSN // every later commit is remembered
	last  table.LSN // the newest commit that is remembered, published or not
	bytes int64
	list  []*images // oldest first
	by    map[table.ObjectID]*tableHistory
	views []table.LSN // of the transactions that are open, oldest first

	tracker *mem.Tracker // of bytes
}

// tableHistory is what commits changed in one table, oldest first. What is in the list stays as it is, so that a copy of
// the slice is a snapshot.
type tableHistory struct {
	list    []*tableImages
	dropped int // from the beginning of the list's memory
}

// historyBytesMax bounds the memory of what is remembered. Beyond it the oldest commits are forgotten, and with them
// the transactions that would have to look at them.
const historyBytesMax = 32 << 20

// join makes commits be remembered from now on. Those that have an LSN already become visible first, so
// that a View taken from now on misses none.
func (h *history) join(ctx context.Context, c committer) error {
	h.open.Add(1)
	h.mu.Lock()
	known := h.known
	h.mu.Unlock()
	if known {
		return nil
	}
	lsn, _ := c.Appended()
	if err := c.Settle(ctx); err != nil {
		if ctx.Err() != nil {
			h.leave(nil, 0)
			return err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.err = err // the log has failed: what is visible can be read, and nothing will be committed
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known {
		h.known, h.since = true, lsn
	}
	return nil
}

// acquire returns the published View, after which everything is kept until leave.
func (h *history) acquire(views *txn.ViewSet[*state]) *view {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := views.Acquire()
	h.views = append(h.views, v.LSN())
	return v
}

// leave ends what join began; v is the View, if one was acquired, published the LSN of the newest one.
func (h *history) leave(v *view, published table.LSN) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v != nil {
		i, _ := slices.BinarySearch(h.views, v.LSN())
		h.views = slices.Delete(h.views, i, i+1)
	}
	switch {
	case h.open.Add(-1) == 0:
		h.tracker.Release(h.bytes)
		h.known, h.list, h.by, h.bytes = false, nil, nil, 0
	case len(h.views) > 0:
		h.forget(h.views[0])
	default:
		h.forget(published)
	}
}

// add remembers a commit that has got its LSN. It is called in the order of LSNs.
func (h *history) add(x *images, lsn table.LSN) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x.lsn, h.last = lsn, lsn
	if h.by == nil {
		h.by = make(map[table.ObjectID]*tableHistory)
	}
	for _, t := range x.tables {
		t.lsn = lsn
		th := h.by[t.id]
		if th == nil {
			th = &tableHistory{}
			h.by[t.id] = th
		}
		th.list = append(th.list, t)
	}
	h.list = append(h.list, x)
	h.bytes += x.bytes
	for fits := h.tracker.Force(x.bytes); len(h.list) > 0 && (!fits || h.bytes > historyBytesMax); fits = h.tracker.Force(0) {
		h.forget(h.list[0].lsn)
	}
}

// forget drops what was committed up to an LSN.
func (h *history) forget(upTo table.LSN) {
	n := 0
	for ; n < len(h.list) && h.list[n].lsn <= upTo; n++ {
		h.bytes -= h.list[n].bytes
		h.tracker.Release(h.list[n].bytes)
		for _, t := range h.list[n].tables {
			h.by[t.id].drop(h, t.id)
		}
	}
	clear(h.list[:n])
	h.list = h.list[n:]
	h.since = max(h.since, upTo)
}

// drop forgets the oldest entry of a table.
func (th *tableHistory) drop(h *history, id table.ObjectID) {
	th.list = th.list[1:]
	th.dropped++
	switch {
	case len(th.list) == 0:
		delete(h.by, id)
	case th.dropped > len(th.list):
		th.list, th.dropped = slices.Clone(th.list), 0
	}
}

// after returns what was committed to a table after an LSN.
func (h *history) after(id table.ObjectID, lsn table.LSN) []*tableImages {
	th := h.by[id]
	if th == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(th.list, lsn+1, func(t *tableImages, lsn table.LSN) int {
		return int(int64(t.lsn) - int64(lsn))
	})
	return th.list[i:]
}
