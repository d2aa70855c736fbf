package exec

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/laminadb/lamina/sqlerr"
)

// TempFile is a file for state that does not fit into memory. Nobody else sees it, and it is gone when it is closed.
type TempFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// Spill says where queries put state that does not fit into memory.
type Spill struct {
	// Open makes a file. It is called by the first operator of a query that needs one.
	Open func() (TempFile, error)
	// LimitBytes bounds what one query writes, 53400 beyond; 0: no bound.
	LimitBytes int64
	// Written counts the bytes that were written; nil: nobody wants to know.
	Written *atomic.Int64
}

// spillFile is the file of one query. Blocks are appended by any operator, and read until the query ends.
type spillFile struct {
	spill *Spill
	mu    sync.Mutex
	f     TempFile
	at    int64
	err   error // the first failed write is final
}

// block is a place in the file, with the checksum of what was written there.
type block struct {
	off int64
	n   int
	sum uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// write appends a block.
func (f *spillFile) write(ctx context.Context, b []byte) (block, error) {
	if err := ctx.Err(); err != nil {
		return block{}, err
	}
	sum := crc32.Checksum(b, castagnoli)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return block{}, f.err
	}
	if f.f == nil {
		if f.f, f.err = f.spill.Open(); f.err != nil {
			f.err = spillError(f.err)
			return block{}, f.err
		}
	}
	if limit := f.spill.LimitBytes; limit > 0 && f.at+int64(len(b)) > limit {
		f.err = sqlerr.Newf(sqlerr.ConfigurationLimitExceeded, "temporary file size exceeds \"temp_file_limit\" (%dkB)", limit>>10)
		return block{}, f.err
	}
	at := f.at
	n, err := f.f.Write(b)
	f.at += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		f.err = spillError(err)
		return block{}, f.err
	}
	if f.spill.Written != nil {
		f.spill.Written.Add(int64(n))
	}
	return block{at, n, sum}, nil
}

// spillError turns the error of a temporary file into that of the query.
func spillError(err error) error {
	code := sqlerr.IOError
	if errors.Is(err, syscall.ENOSPC) {
		code = sqlerr.DiskFull
	}
	return sqlerr.Newf(code, "could not write to temporary file: %w", err)
}

// read returns a block in buf, grown if need be.
func (f *spillFile) read(ctx context.Context, b block, buf []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cap(buf) < b.n {
		buf = make([]byte, b.n+b.n/4)
	}
	buf = buf[:b.n]
	if n, err := f.f.ReadAt(buf, b.off); n < b.n {
		return nil, sqlerr.Newf(sqlerr.IOError, "could not read from temporary file: %w", err)
	}
	if crc32.Checksum(buf, castagnoli) != b.sum {
		return nil, sqlerr.New(sqlerr.DataCorrupted, "a temporary file does not hold what was written to it")
	}
	return buf, nil
}

func (f *spillFile) close() {
	if f.f != nil {
		_ = f.f.Close() // what it held is wanted by nobody
		f.f = nil
	}
}

// canSpill reports whether the query has a place for what does not fit.
func (q *Query) canSpill() bool { return q.spill.spill != nil }

// Shares of the limits that state may fill: of build sides, which stay while other operators run, and of what is
// aggregated or sorted. What is left is for batches, and for reading again what was spilled.
const (
	buildShare = 4 // of shareWhole
	stateShare = 6
	shareWhole = 8
)

// room is one operator's claim to memory that it is about to take. Claims of all operators count, so that workers
// that look at the same time do not both take the last bytes.
type room struct {
	q       *Query
	claimed int64
	asked   uint // if spilling is forced: so often
}

// ask replaces the claim, and reports whether that many bytes more stay within the share of every limit.
func (r *room) ask(bytes, share int64) bool {
	if r.q.env.Force.Spill {
		r.asked++
		return r.asked&(r.asked-1) != 0
	}
	if bytes == 0 && r.claimed == 0 {
		return true
	}
	all := r.q.claimed.Add(bytes - r.claimed)
	r.claimed = bytes
	return bytes == 0 || r.q.mem.Fits(all, share, shareWhole)
}

// done gives the claim up.
func (r *room) done() {
	if r.claimed != 0 {
		r.q.claimed.Add(-r.claimed)
		r.claimed = 0
	}
}

// small reports whether state of this size is too small to be worth a spill: what is short lies elsewhere.
func (q *Query) small(bytes int64) bool {
	if q.env.Force.Spill {
		return bytes == 0
	}
	return bytes < min(q.mem.Least()/64, 1<<20)
}

// spillWorkers is the number of workers that read at once what was spilled: each needs some memory of its own.
func (q *Query) spillWorkers() int {
	if q.mem.Least()/int64(q.workers) < spillWorkerBytes {
		return 1
	}
	return q.workers
}

const spillWorkerBytes = 8 << 20

// spillBits is log2 of the number of partitions that state is spilled in, and spillDepth how often a partition
// that does not fit is partitioned again.
const (
	spillBits  = 5
	spillParts = 1 << spillBits
	spillDepth = 6
	forceDepth = 2 // if it is forced
)

// partitionOf returns the partition of a key's hash at a depth. The hash tables use the high bits of the hash itself:
// these here must not depend on them.
func partitionOf(hash uint64, depth int) int {
	h := hash ^ hash>>29
	h *= 0xBF58476D1CE4E5B9
	h ^= h >> 32
	h *= 0x94D049BB133111EB
	return int(h >> (64 - spillBits*(depth+1)) & (spillParts - 1))
}

// again reports whether a partition may be partitioned again.
func (q *Query) again(depth int) bool {
	return depth < spillDepth && (depth < forceDepth || !q.env.Force.Spill)
}

// spill counts what an operator has written, for EXPLAIN ANALYZE.
func (s *opStats) spill(bytes int, partitions int) {
	s.spilledBytes.Add(int64(bytes))
	s.partitions.Add(int64(partitions))
}
