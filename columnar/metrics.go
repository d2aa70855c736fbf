package columnar

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// counts are what the tier has done since it was opened.
type counts struct {
	snapChunks, applied, flushes, flushBytes, compactions, compactRead, compactWritten, stalls, loads, loadBytes atomic.Int64
	// relieved counts the memtables that were sealed for want of memory; merged is how many segments the last merge had open
	// at a time.
	relieved, merged atomic.Int64
	// followed are references to rows that had moved, and deleted are rows of segments that were marked as deleted.
	followed, deleted atomic.Int64
	// reads are what open segments count, and what those counted that were closed.
	reads struct {
		sync.Mutex
		open   map[*segment.Segment]struct{}
		closed segment.Metrics
	}
}

// opened begins to count what is done with a segment.
func (c *counts) opened(s *segment.Segment) {
	c.reads.Lock()
	defer c.reads.Unlock()
	if c.reads.open == nil {
		c.reads.open = map[*segment.Segment]struct{}{}
	}
	c.reads.open[s] = struct{}{}
}

// gone keeps what was done with a segment that is closed.
func (c *counts) gone(s *segment.Segment) {
	c.reads.Lock()
	defer c.reads.Unlock()
	if _, ok := c.reads.open[s]; ok {
		delete(c.reads.open, s)
		addMetrics(&c.reads.closed, s.Metrics())
	}
}

// segments adds up what was done with all segments.
func (c *counts) segments() segment.Metrics {
	c.reads.Lock()
	defer c.reads.Unlock()
	sum := c.reads.closed
	for s := range c.reads.open {
		addMetrics(&sum, s.Metrics())
	}
	return sum
}

func addMetrics(to *segment.Metrics, m segment.Metrics) {
	to.PagesDecoded += m.PagesDecoded
	to.IndexProbes += m.IndexProbes
	to.IndexMisses += m.IndexMisses
	to.BloomChecks += m.BloomChecks
	to.BloomRejects += m.BloomRejects
	to.Bitmaps += m.Bitmaps
}

func (t *Tier) report(m *table.TierMetrics) {
	c := &t.counts
	m.AppliedBytes = c.applied.Load()
	m.Flushes, m.FlushBytes = c.flushes.Load(), c.flushBytes.Load()
	m.Compactions = c.compactions.Load()
	m.CompactionReadBytes, m.CompactionWrittenBytes = c.compactRead.Load(), c.compactWritten.Load()
	m.Loads, m.LoadBytes = c.loads.Load(), c.loadBytes.Load()
	m.Stalls, m.RowsFollowed, m.Deletions = c.stalls.Load(), c.followed.Load(), c.deleted.Load()
	s := c.segments()
	m.PagesRead, m.BitmapsRead = s.PagesDecoded, s.Bitmaps
	m.BloomChecks, m.BloomHits = s.BloomChecks, s.BloomRejects
	m.KeyProbes, m.KeyMisses = s.IndexProbes, s.IndexMisses
	cache := t.cache.Metrics()
	m.CacheHits, m.CacheMisses, m.CacheBytes = cache.Hits, cache.Misses, cache.Bytes
}

// Metrics counts what the tier holds, and what it has done.
func (t *Tier) Metrics() table.TierMetrics {
	m := table.TierMetrics{Name: tierName, SnapshotChunksWritten: t.counts.snapChunks.Load(), SnapBytes: t.files.bytes()}
	m.ChunksSealed, m.ChunksFreed = t.space.Counts()
	for id, st := range *t.tables.Load() {
		of := tableMetrics(id, st.inc.cur.Load())
		m.Tables++
		m.Rows += of.Rows
		m.DeadRows += of.DeadRows
		m.MemoryBytes += of.MemoryBytes
		m.IndexBytes += of.IndexBytes
		m.DeltaRows += of.DeltaRows
		m.Segments += of.Segments
		m.DeletedRows += of.DeletedRows
		m.Files += 2 * of.Segments
		m.FileBytes += of.FileBytes
		m.ByTable = append(m.ByTable, of)
	}
	slices.SortFunc(m.ByTable, func(a, b table.TableMetrics) int { return cmp.Compare(a.ID, b.ID) })
	m.LiveBytes = t.liveBytes()
	t.report(&m)
	return m
}

// tableMetrics are of the parts of a table.
func tableMetrics(id table.ObjectID, p *parts) table.TableMetrics {
	of := table.TableMetrics{ID: id, Tier: tierName, Segments: int64(len(p.segs))}
	for _, x := range p.mems {
		all, indexes := x.Bytes()
		of.DeltaRows += x.Live()
		of.DeadRows += x.Dead()
		of.MemoryBytes += all
		of.IndexBytes += indexes
	}
	of.Rows = of.DeltaRows
	for _, s := range p.segs {
		dead := int64(s.dv.Deleted(uint64(table.MaxLSN)))
		of.Rows += int64(s.info.Rows) - dead
		of.DeadRows += dead
		of.DeletedRows += dead
		of.FileBytes += s.bytes()
	}
	return of
}

// bytes returns the size of the files of a segment.
func (s *seg) bytes() int64 { return s.info.Segment.Bytes + s.info.Sidecar.Bytes }

// liveBytes is about the size of the rows: of those of segments by samples. Segments stay open meanwhile.
func (t *Tier) liveBytes() (n int64) {
	e := t.epochs.hold()
	defer t.jobs.collectEpoch(&t.epochs, e)
	for _, st := range *t.tables.Load() {
		p := st.inc.cur.Load()
		for _, m := range p.mems {
			all, indexes := m.Bytes()
			n += (all - indexes) * m.Live() / max(1, m.Live()+m.Dead())
		}
		for _, s := range p.segs {
			live := s.info.Rows - s.dv.Deleted(uint64(table.MaxLSN))
			n += int64(float64(live) * s.rowBytes(t))
		}
	}
	return n
}

// rowBytes is about the size of a row of a segment. What its sample says is read once.
func (s *seg) rowBytes(t *Tier) float64 {
	if w := s.width.Load(); w != nil {
		return *w
	}
	if s.file == nil {
		return 0
	}
	b, err := s.file.Sample()
	if err != nil || b.N == 0 {
		if err != nil {
			t.o.Logger.Warn("sample of a segment", "err", err)
		}
		return 0
	}
	w := float64(batchBytes(b)) / float64(b.N)
	s.width.Store(&w)
	return w
}

// batchBytes is the size of the values of rows: of strings their bytes, of others 8.
func batchBytes(b *vec.Batch) (n int64) {
	for g := range b.Groups {
		grp := &b.Groups[g]
		for c := range grp.Cols {
			v := &grp.Cols[c]
			if v.Type.Class() != types.ClassString || v.Form == vec.InRows {
				n += 8 * int64(b.N)
				continue
			}
			for i := range b.N {
				if at := grp.Pos(i); !v.IsNull(at) {
					n += int64(len(v.Bytes(at)))
				}
			}
		}
	}
	return n
}
