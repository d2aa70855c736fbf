package exec

import (
	"context"
)

// partitionWriter writes entries of some state, of groups or of rows, in chunks by the partitions of their hashes.
type partitionWriter struct {
	q     *Query
	stats *opStats
	arena arena
	d     *keyDecoder
	rows  *rowScratch
	words []uint64 // hashes of a batch
	buf   []byte
}

// open makes a writer that can decode so many keys.
func (w *partitionWriter) open(q *Query, stats *opStats, keys int) error {
	w.q, w.stats, w.arena = q, stats, arena{tracker: q.mem}
	var err error
	if w.rows, err = newRowScratch(&w.arena); err == nil {
		w.words, err = makeSlice[uint64](&w.arena, batchRows)
	}
	if err == nil {
		w.d, err = newKeyDecoder(q.mem, keys)
	}
	if err != nil {
		w.free()
	}
	return err
}

func (w *partitionWriter) free() {
	if w.d != nil {
		w.d.free()
	}
	w.arena.free()
}

// partition writes n entries: hash sets words to the hashes of some, save appends what is kept of some, and out is called
// with the place of each chunk and the number of its entries.
func (w *partitionWriter) partition(ctx context.Context, n, depth int, hash func(ids []uint32),
	save func(dst []byte, ids []uint32) []byte, out func(p, n int, at block)) error {
	a := arena{tracker: w.q.mem}
	defer a.free()
	part, err := makeSlice[uint8](&a, n)
	if err != nil {
		return err
	}
	ids, err := makeSlice[uint32](&a, n)
	if err != nil {
		return err
	}
	for at := 0; at < n; at += batchRows {
		k := min(batchRows, n-at)
		for i := range k {
			w.d.ids[i] = uint32(at + i)
		}
		hash(w.d.ids[:k])
		for i, h := range w.words[:k] {
			part[at+i] = uint8(partitionOf(h, depth))
		}
	}
	ends := sortByPart(part, ids)
	for p := range spillParts {
		for list := ids[ends[p]:ends[p+1]]; len(list) > 0; {
			k := min(len(list), chunkRows)
			w.buf = save(w.buf[:0], list[:k])
			b, err := w.q.spill.write(ctx, w.buf)
			if err != nil {
				return err
			}
			w.stats.spill(b.n, 0)
			out(p, k, b)
			list = list[k:]
		}
	}
	return nil
}

// sortByPart orders the numbers of entries by their partitions, and returns where each partition begins.
func sortByPart(part []uint8, ids []uint32) (ends [spillParts + 1]int) {
	for _, p := range part {
		ends[p+1]++
	}
	for p := range spillParts {
		ends[p+1] += ends[p]
	}
	at := ends
	for id, p := range part {
		ids[at[p]] = uint32(id)
		at[p]++
	}
	return ends
}
