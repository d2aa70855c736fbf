package main

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/tpch"
)

// memoryRowBytes is what the memory tier takes for a row with its key, on average: measured after a load at scale factor 1. At
// smaller ones it is more, as memory comes in chunks.
const memoryRowBytes = 250

// memoryRows is the least that the memory tier takes for the rows of all tables.
func memoryRows(g *tpch.Generator) (bytes int64) {
	for _, t := range tpch.Tables() {
		bytes += g.Rows(t) * memoryRowBytes
	}
	return bytes
}

// Half of the memory of a database is for rows, and a few of them must fit in there twice, while they are written. Mixed
// work has old versions of rows besides.
const (
	memoryRowsPart                  = 2
	memoryMorePart, memoryMixedPart = 8, 4
	// memoryChunks is for the last chunks of tables, which are not full.
	memoryChunks = 32 << 20
)

// memoryWanted is the memory limit with which the job ends well in the memory tier.
func (j *tpchJob) memoryWanted() int64 {
	rows := memoryRows(j.g)
	more := rows / memoryMorePart
	if j.flags.mixed {
		more = rows / memoryMixedPart
	}
	return memoryRowsPart * (rows + more + memoryChunks)
}

// checkMemory refuses a load into the memory tier when the rows alone take more than there may be.
func (j *tpchJob) checkMemory() error {
	limit := j.db.Metrics().MemoryLimit
	rows := memoryRows(j.g)
	if j.flags.tier != "memory" || limit <= 0 || rows <= limit {
		return nil
	}
	return j.adviseMemory(sqlerr.Newf(sqlerr.OutOfMemory, "out of memory: the rows of scale factor %v take about %s in the memory tier",
		j.flags.sf, bytesText(rows)).WithDetail("The limit for rows is %s, half of that of the database. Nothing was loaded.", bytesText(limit)))
}

// adviseMemory adds to an error of a load into the memory tier how much memory is enough, and what needs less.
func (j *tpchJob) adviseMemory(err error) error {
	if j.flags.tier != "memory" || sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		return err
	}
	return sqlerr.From(err).WithHint("At this scale factor a --memory-limit of %s is enough for the memory tier; the tiers columnar and lsm keep rows "+
		"in files and need less.", bytesText(j.memoryWanted()))
}
