package system

import "github.com/laminadb/lamina/table"

var laminaRelations = []relation{
	{schema: lamina, name: "metrics", rows: metricRows, columns: "name text, value int8"},
	{schema: lamina, name: "latencies", rows: latencies,
		columns: "operation text, count int8, mean_ns float8, p50_ns int8, p90_ns int8, p99_ns int8, p999_ns int8, max_ns int8"},
	{schema: lamina, name: "errors", rows: errorRows, columns: "class text, count int8"},
	{schema: lamina, name: "memory", rows: memoryRows, columns: "name text, bytes int8, peak_bytes int8, limit_bytes int8"},
	{schema: lamina, name: "disk", rows: diskRows, columns: "name text, bytes int8"},
	{schema: lamina, name: "tables", rows: tableRows,
		columns: "id oid, schema_name name, table_name name, tier text, live_rows int8, dead_rows int8, memory_bytes int8, index_bytes int8, " +
			"delta_rows int8, segments int8, deleted_rows int8, file_bytes int8"},
	{schema: lamina, name: "storage_parameters", rows: storageParameters,
		columns: "id oid, schema_name name, table_name name, column_name name, parameter name, value text"},
	{schema: lamina, name: "definitions", rows: definitions, columns: "id oid, schema_name name, table_name name, definition text"},
	{schema: lamina, name: "views_pinned", rows: pinned, columns: "lsn int8, age_ms int8, holders int8, pinned_rows int8, pinned_bytes int8"},
	{schema: lamina, name: "lock_waits", rows: lockWaits, columns: "waiter int8, holder int8"},
	{schema: lamina, name: "tiers", rows: tierRows,
		columns: "tier text, tables int8, live_rows int8, dead_rows int8, memory_bytes int8, files int8, file_bytes int8, " +
			"live_bytes int8, applied_bytes int8, flushes int8, flush_bytes int8, compactions int8, compaction_read_bytes int8, " +
			"compaction_written_bytes int8, bloom_checks int8, bloom_hits int8, cache_hits int8, cache_misses int8, " +
			"cache_hit_ratio float8, write_amplification float8, space_amplification float8, cache_bytes int8, " +
			"delta_rows int8, segments int8, deleted_rows int8, pages_read int8, bitmaps_read int8, stalls int8"},
}

func metricRows(m *maker) {
	x := m.Metrics()
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"commits", x.Commits}, {"read_only_commits", x.ReadOnlyCommits}, {"aborts", x.Aborts}, {"conflicts", x.Conflicts},
		{"deadlocks", x.Deadlocks}, {"lock_waits", x.LockWaited}, {"lock_timeouts", x.LockTimeouts},
		{"rows_inserted", x.RowsInserted}, {"rows_updated", x.RowsUpdated}, {"rows_deleted", x.RowsDeleted},
		{"log_bytes", x.LogBytes}, {"log_records", x.LogRecords}, {"log_syncs", x.LogSyncs}, {"log_groups", x.Groups},
		{"group_size_p50", x.GroupSizes.Quantile(0.5)}, {"group_size_max", x.GroupSizes.Max()},
		{"checkpoints", x.Checkpoints}, {"checkpoint_bytes", x.CheckpointBytes},
		{"open_views", x.OpenViews}, {"oldest_view_lsn", int64(x.OldestViewLSN)}, {"published_lsn", int64(x.PublishedLSN)},
		{"memory_bytes", x.MemoryBytes}, {"memory_limit_bytes", x.MemoryLimit},
	} {
		m.add(v.name, v.value)
	}
}

func latencies(m *maker) {
	x := m.Metrics()
	for _, s := range x.Statements {
		m.latency(s.Name, s.Times)
	}
	m.latency("commit", x.CommitTimes)
	m.latency("sync", x.SyncTimes)
	m.latency("lock wait", x.LockWaitTimes)
	m.latency("checkpoint", x.CheckpointTimes)
}

func (m *maker) latency(name string, d table.Distribution) {
	if d.Count == 0 {
		m.add(name, 0, nil, nil, nil, nil, nil, nil)
		return
	}
	m.add(name, d.Count, d.Mean(), d.Quantile(0.5), d.Quantile(0.9), d.Quantile(0.99), d.Quantile(0.999), d.Max())
}

func errorRows(m *maker) {
	for _, e := range m.Metrics().Errors {
		m.add(e.Class, e.Count)
	}
}

func memoryRows(m *maker) {
	for _, x := range m.Metrics().Memory {
		m.add(x.Name, x.Bytes, x.PeakBytes, x.LimitBytes)
	}
}

func diskRows(m *maker) {
	for _, x := range m.Metrics().Disk {
		m.add(x.Name, x.Bytes)
	}
}

func tableRows(m *maker) {
	for _, t := range m.Metrics().Tables {
		d, ok := m.Schema.ByID(t.ID).(*table.TableDef)
		if !ok {
			continue // not, or no longer, of this transaction
		}
		m.add(t.ID, m.schemaName(d.Schema), d.Name, t.Tier, t.Rows, t.DeadRows, t.MemoryBytes, t.IndexBytes,
			t.DeltaRows, t.Segments, t.DeletedRows, t.FileBytes)
	}
}

func tierRows(m *maker) {
	x := m.Metrics()
	for i := range x.Tiers {
		t := &x.Tiers[i]
		m.add(t.Name, int64(t.Tables), t.Rows, t.DeadRows, t.MemoryBytes+t.IndexBytes, t.Files, t.FileBytes,
			t.LiveBytes, t.AppliedBytes, t.Flushes, t.FlushBytes, t.Compactions, t.CompactionReadBytes,
			t.CompactionWrittenBytes, t.BloomChecks, t.BloomHits, t.CacheHits, t.CacheMisses,
			t.CacheHitRatio(), t.WriteAmplification(), t.SpaceAmplification(), t.CacheBytes,
			t.DeltaRows, t.Segments, t.DeletedRows, t.PagesRead, t.BitmapsRead, t.Stalls)
	}
}

func pinned(m *maker) {
	for _, v := range m.Metrics().Views {
		m.add(v.LSN, v.Age.Milliseconds(), v.References, v.PinnedRows, v.PinnedBytes)
	}
}

func lockWaits(m *maker) {
	for _, w := range m.Metrics().LockWaits {
		m.add(w.Waiter, w.Holder)
	}
}
