package columnar

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

var _ table.LoadingTier = (*Tier)(nil)

// LoadRowsMin is the number of rows from which on a bulk load makes segments.
func (t *Tier) LoadRowsMin() int { return max(1, t.o.DeltaRows/smallPart) }

// load is a bulk load: rows are gathered in runs, each of which becomes a segment while the next one is filled. Nothing
// names the segments before the record of the commit does.
type load struct {
	t *Tier
	// inc gives the rows their form. It is of no table: that need not be there yet.
	inc *incarnation
	def *table.TableDef
	// fill is the run being filled; nil: none is.
	fill    *run
	writing sync.WaitGroup
	cancel  context.CancelFunc
	ctx     context.Context
	mu      struct {
		sync.Mutex
		segs  []*seg
		err   error // the first
		bytes int64 // of the rows of segs
	}
	rows int64 // of segs, and of the runs being written
	over bool
}

// loads is what the bulk loads of a tier share.
type loads struct {
	// slots bounds the runs that are written at a time.
	slots chan struct{}
	// active counts the loads that have not ended.
	active atomic.Int64
}

const (
	// loadWritersMax bounds the runs that are written at a time: each uses several goroutines to encode its columns.
	loadWritersMax = 2
	// loadPart is the part of the memory that the runs of all loads may take; one is not smaller than runBytesMin.
	loadPart    = 8
	runBytesMin = 1 << 20
)

func newLoads() loads {
	return loads{slots: make(chan struct{}, min(loadWritersMax, max(1, runtime.GOMAXPROCS(0)/2)))}
}

// runBytes is the size at which a run is written: loads beside each other, and what is being written, share the memory.
func (t *Tier) runBytes() int64 {
	limit := t.o.DeltaBytes
	if n := t.o.MemoryBytes; n > 0 {
		limit = min(limit, n/loadPart/(t.loads.active.Load()+1))
	}
	return max(limit, min(runBytesMin, t.o.DeltaBytes))
}

// Load begins a bulk load of rows under a definition.
func (t *Tier) Load(def *table.TableDef) table.TierLoad {
	t.keepRoom()
	l := &load{t: t, def: def, inc: t.formOf(def)}
	t.loads.active.Add(1)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// formOf returns an incarnation without rows, which says what rows of a definition look like.
func (t *Tier) formOf(def *table.TableDef) *incarnation {
	inc := &incarnation{t: t, id: def.ID}
	inc.def.Store(def)
	m := rowstore.NewMemtable(t.space, def, 0)
	inc.types, inc.identity = m.Types(), m.Identity()
	m.Destroy()
	inc.old.Store(&parts{})
	inc.cur.Store(&parts{})
	return inc
}

// Append adds rows to the run.
func (l *load) Append(ctx context.Context, rows *vec.Batch) error {
	if err := l.usable(ctx); err != nil {
		return err
	}
	if r := l.fill; r != nil && (r.rows+rows.N > l.t.o.SegmentRows || r.bytes >= l.t.runBytes()) {
		if err := l.dispatch(ctx); err != nil {
			return err
		}
	}
	err := l.put(rows)
	if sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		return err
	}
	// What is being written gives its memory back.
	if l.fill.rows > 0 {
		if err := l.dispatch(ctx); err != nil {
			return err
		}
	}
	l.writing.Wait()
	return l.put(rows)
}

func (l *load) put(rows *vec.Batch) error {
	if l.fill == nil {
		l.fill = &run{}
	}
	return l.fill.append(l.inc.types, rows, l.t.o.Tracker)
}

func (l *load) usable(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.mu.err != nil:
		return l.mu.err
	case l.over:
		return sqlerr.New(sqlerr.InternalError, "the load has ended")
	case ctx.Err() != nil:
		return sqlerr.Canceled(ctx)
	}
	return nil
}

// dispatch has the run written.
func (l *load) dispatch(ctx context.Context) error {
	select {
	case l.t.loads.slots <- struct{}{}:
	case <-ctx.Done():
		return sqlerr.Canceled(ctx)
	}
	r := l.fill
	l.fill = nil
	l.rows += int64(r.rows)
	l.writing.Go(func() {
		defer func() { <-l.t.loads.slots }()
		bytes := r.valueBytes()
		segs, err := l.loadRun(r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mu.bytes += bytes
		l.mu.segs = append(l.mu.segs, segs...)
		if err != nil && l.mu.err == nil {
			l.mu.err = err
			l.cancel()
		}
	})
	return nil
}

// loadRun makes a segment of a run.
func (l *load) loadRun(r *run) ([]*seg, error) {
	defer r.release()
	def := l.def
	o, _ := def.Storage()
	b := &builder{inc: l.inc, s: l.inc.schemaOf(def), groupRows: o.RowGroupRows, expect: r.rows, tracker: l.t.moving}
	if b.groupRows == 0 {
		b.groupRows = l.inc.groupRows(r.rows, r.valueBytes())
	}
	defer b.abandon()
	if err := r.write(l.ctx, b); err != nil {
		return nil, err
	}
	if b.w != nil {
		if k, key, found := b.w.Duplicate(); found {
			return nil, l.duplicateIn(r, k, key)
		}
	}
	if err := b.close(); err != nil {
		return nil, err
	}
	segs := b.done
	b.done = nil
	return segs, nil
}

// Rest hands the rows over that are too few for a segment.
func (l *load) Rest(f func(rows *vec.Batch) error) error {
	r := l.fill
	if r == nil || r.rows >= l.t.LoadRowsMin() {
		return nil
	}
	l.fill = nil
	defer r.release()
	return r.each(f)
}

// Finish writes what is left, and checks the keys.
func (l *load) Finish(ctx context.Context, taken ...table.KeySet) (_ table.LoadedRows, err error) {
	defer func() {
		if err != nil {
			l.Abort()
		}
	}()
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	if l.fill != nil {
		if err := l.dispatch(ctx); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, l.cancel)
	l.writing.Wait()
	stop()
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	segs := l.mu.segs
	slices.SortFunc(segs, func(a, b *seg) int { return cmp.Compare(a.num, b.num) })
	if err := l.checkKeys(ctx, segs, taken); err != nil {
		return nil, err
	}
	l.end()
	return &loaded{inc: l.inc, segs: segs, rows: l.rows, bytes: l.mu.bytes}, nil
}

// Abort removes what was written.
func (l *load) Abort() {
	if l.over {
		return
	}
	l.end()
	l.writing.Wait()
	if l.fill != nil {
		l.fill.release()
		l.fill = nil
	}
	for _, s := range l.mu.segs {
		l.t.discard(s)
	}
	l.mu.segs = nil
}

func (l *load) end() {
	l.over = true
	l.cancel()
	l.t.loads.active.Add(-1)
}

// loaded are the segments of a load that has finished.
type loaded struct {
	inc   *incarnation
	segs  []*seg
	rows  int64
	bytes int64 // of their values
}

// Rows counts the rows.
func (l *loaded) Rows() int64 { return l.rows }

// Record describes the segments.
func (l *loaded) Record() []byte {
	var list []segRecord
	for _, s := range l.segs {
		list = append(list, segRecord{s.num, s.level, 0, s.info})
	}
	return encodeLoad(list)
}

// Each reads the rows back.
func (l *loaded) Each(ctx context.Context, f func(rows *vec.Batch) error) error {
	cols := make([]int, len(l.inc.types))
	for i := range cols {
		cols[i] = i
	}
	for _, s := range l.segs {
		if err := s.each(ctx, cols, f); err != nil {
			return err
		}
	}
	return nil
}

// Drop removes the segments.
func (l *loaded) Drop() {
	for _, s := range l.segs {
		l.inc.t.discard(s)
	}
	l.segs = nil
}

// applyLoad makes the segments of a load a part of the table. Their rows begin at the LSN of the record.
func (inc *incarnation) applyLoad(lsn table.LSN, e *table.Entry) error {
	var segs []*seg
	if l, ok := e.Loaded.(*loaded); ok {
		segs = l.segs
		inc.t.counts.applied.Add(l.bytes)
	} else {
		list, err := decodeLoad(e.Load)
		if err != nil {
			return err
		}
		for _, a := range list {
			inc.t.files.reserve(a.num)
			segs = append(segs, &seg{num: a.num, level: a.level, info: a.info})
		}
	}
	inc.t.counts.loads.Add(1)
	p := inc.cur.Load()
	n := &parts{moves: p.moves, mems: p.mems, segs: slices.Clone(p.segs)}
	for _, s := range segs {
		s.begin(lsn)
		inc.t.counts.loadBytes.Add(s.bytes())
	}
	n.segs = append(n.segs, segs...)
	inc.install(lsn, n)
	inc.t.jobs.poke()
	return nil
}
