package lsm

import (
	"cmp"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/table"
)

// Metrics counts what the tier holds, and what Pebble has done since it was opened.
func (t *Tier) Metrics() table.TierMetrics {
	m := table.TierMetrics{Name: "lsm", DeadRows: int64(t.ended.len()), MemoryBytes: t.ended.bytes.Load() + t.recent.bytes.Load()}
	for id, s := range *t.tables.Load() {
		of := table.TableMetrics{ID: id, Tier: m.Name, Rows: s.d.live.Load()}
		m.Tables++
		m.Rows += of.Rows
		m.LiveBytes += s.d.bytes.Load()
		m.ByTable = append(m.ByTable, of)
	}
	slices.SortFunc(m.ByTable, func(a, b table.TableMetrics) int { return cmp.Compare(a.ID, b.ID) })
	m.AppliedBytes = t.counts.applied.Load()
	db := t.db.Load()
	if db == nil || t.failed.writeError() != nil || !t.enter() {
		return m
	}
	defer t.closed.Unlock()
	var p *pebble.Metrics
	if t.guard(func() error {
		p = db.Metrics()
		return nil
	}) == nil {
		addPebble(&m, p)
	}
	return m
}

// enter holds off Close; it reports whether it was not called.
func (t *Tier) enter() bool {
	t.closed.Lock()
	if t.closed.yes {
		t.closed.Unlock()
		return false
	}
	return true
}

// addPebble adds what Pebble counts.
func addPebble(m *table.TierMetrics, p *pebble.Metrics) {
	m.MemoryBytes += int64(p.MemTable.Size) + p.BlockCache.Size
	m.Flushes, m.Compactions = p.Flush.Count, p.Compact.Count
	for i := range p.Levels {
		l := &p.Levels[i]
		m.Files += l.TablesCount
		m.FileBytes += l.TablesSize
		m.FlushBytes += int64(l.TableBytesFlushed)
		m.CompactionReadBytes += int64(l.TableBytesRead)
		m.CompactionWrittenBytes += int64(l.TableBytesCompacted)
	}
	m.BloomHits, m.BloomChecks = p.Filter.Hits, p.Filter.Hits+p.Filter.Misses
	m.CacheHits, m.CacheMisses = p.BlockCache.Hits, p.BlockCache.Misses
}
