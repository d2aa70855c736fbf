package columnar

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// Relieve makes memory free, and reports whether there is reason to look again how much is in use: it takes back what was lent
// to the cache, or waits for the next memtable to be flushed, and has the largest one sealed if none waits for that. What Views
// read stays until they end.
// The caller must hold nothing that applies records, nor be in the queue of those.
func (t *Tier) Relieve(ctx context.Context) (bool, error) {
	if t.Shrink(0) {
		return true, nil
	}
	j := &t.jobs
	if !j.running() || invariants.Mutant("columnar-never-relieve") {
		return false, nil
	}
	if sealed := func() bool { return t.sealedOver(0) }; sealed() {
		asked := false
		err := t.await(ctx, sealed, &asked)
		if err == nil && asked { // a flush had failed, and was tried once more
			err = j.failure()
		}
		j.free()
		return true, err
	}
	if inc := t.largest(); inc != nil {
		return true, t.sealNow(ctx, inc)
	}
	return j.free(), nil
}

// Lent returns how many bytes the cache has that others may have when they need them.
func (t *Tier) Lent() int64 { return t.cache.Lent() }

// Shrink has the cache give at least so many bytes back that were lent to it, and reports whether it gave any.
func (t *Tier) Shrink(bytes int64) bool { return t.cache.Shrink(max(bytes, t.o.ShrinkBytes)) > 0 }

// largest returns the table whose newest memtable is the largest; nil if none is worth a segment.
func (t *Tier) largest() (of *incarnation) {
	most := t.o.RelieveBytes - 1
	for _, st := range *t.tables.Load() {
		p := st.inc.cur.Load()
		if len(p.mems) == 0 { // the table is gone
			continue
		}
		// The first rows of a memtable take memory for a chunk: a segment of fewer would free that for the next few only.
		if bytes, _ := p.mems[0].Bytes(); bytes > most && (p.mems[0].Live() >= vec.Size || bytes >= relievePart*t.o.RelieveBytes) {
			of, most = st.inc, bytes
		}
	}
	return of
}

// sealNow ends the newest memtable of a table, unless somebody else has done so.
func (t *Tier) sealNow(ctx context.Context, inc *incarnation) error {
	was := inc.cur.Load()
	return t.jobs.log(ctx, NoRecord, nil, func(applied table.LSN) error {
		if p := inc.cur.Load(); !inc.replaced() && len(p.mems) > 0 && len(was.mems) > 0 && p.mems[0] == was.mems[0] {
			inc.seal(applied)
			t.counts.relieved.Add(1)
		}
		return nil
	})
}

// free frees the garbage that has been collected, rather than in the background, and reports whether there was any.
func (j *jobs) free() bool {
	j.garbage.busy.Lock()
	defer j.garbage.busy.Unlock()
	j.garbage.Lock()
	list := j.garbage.list
	j.garbage.list = nil
	j.garbage.Unlock()
	for _, f := range list {
		f()
	}
	return len(list) > 0
}
