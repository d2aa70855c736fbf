package lsm

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// sampleRows is the size of the random sample of a table's rows.
const sampleRows = 1024

// sample keeps the keys of a uniform sample of all rows ever added (algorithm R). Scans are cut at them, and estimates are
// made of their rows. A checkpoint writes it down.
type sample struct {
	mu   sync.Mutex
	rng  *rand.Rand
	seen uint64
	keys [][]byte
}

func (s *sample) init(seed uint64) { s.rng = rand.New(rand.NewPCG(seed, 0x5eed)) }

// add offers a key, of which it may keep a copy.
func (s *sample) add(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if len(s.keys) < sampleRows {
		s.keys = append(s.keys, slices.Clone(key))
	} else if k := s.rng.Uint64N(s.seen); k < sampleRows {
		s.keys[k] = slices.Clone(key)
	}
}

// sorted returns the keys in order.
func (s *sample) sorted() [][]byte {
	keys := s.list()
	slices.SortFunc(keys, slices.Compare)
	return keys
}

func (s *sample) list() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

func (s *sample) encode() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == 0 {
		return nil
	}
	b := binary.AppendUvarint(nil, s.seen)
	for _, k := range s.keys {
		b = append(binary.AppendUvarint(b, uint64(len(k))), k...)
	}
	return b
}

func (s *sample) decode(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, n := binary.Uvarint(b)
	if n <= 0 {
		return errSample
	}
	s.seen, s.keys = seen, nil
	for b = b[n:]; len(b) > 0; {
		key, size := bytesValue(b)
		if size < 0 || len(s.keys) == sampleRows {
			return errSample
		}
		s.keys = append(s.keys, slices.Clone(key))
		b = b[size:]
	}
	return nil
}

var errSample = corruptedf("the sample of a table in the LSM tree is damaged")

// readSample loads the sample of a table that was there when the tier was opened.
func (t *Tier) readSample(d *data) error {
	v, closer, err := t.get(tableKey(spaceSample, d.id))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return pebbleError("read", err)
	}
	return closeAfter(closer, d.sample.decode(v))
}

// Stats returns estimates. Those of columns are made anew when the table has changed by more than a tenth.
func (s *tableSnapshot) Stats() table.Stats {
	d := s.d
	d.stats.Lock()
	defer d.stats.Unlock()
	live := d.live.Load()
	d.sample.mu.Lock()
	seen := d.sample.seen
	d.sample.mu.Unlock()
	if !d.stats.made || abs(live-d.stats.rows)*10 > d.stats.rows || (seen-d.stats.seen)*10 > d.stats.seen+100 {
		d.stats.s = s.estimate(float64(live))
		d.stats.rows, d.stats.seen, d.stats.made = live, seen, true
	}
	e := d.stats.s
	e.Rows = float64(live)
	return e
}

func abs(x int64) int64 { return max(x, -x) }

// estimate reads the rows of the sample.
func (s *tableSnapshot) estimate(live float64) table.Stats {
	n := len(s.def.Columns)
	cols := make([][]types.Datum, n)
	r := rowReader{types: s.d.types}
	seen := map[string]bool{}
	for _, key := range s.d.sample.list() {
		if seen[string(key)] {
			continue // was deleted, and added again
		}
		seen[string(key)] = true
		v, err := s.row(s.t.db.Load(), key)
		if v == nil || err != nil || r.open(v.row) != nil {
			continue // estimates need not have all
		}
		for c := range cols {
			var d types.Datum
			if r.datum(&d, c, false) != nil {
				break
			}
			cols[c] = append(cols[c], d)
		}
	}
	e := table.Stats{Rows: live, Columns: make([]table.ColumnStats, n)}
	for c := range cols {
		e.Columns[c] = table.EstimateColumn(cols[c], live, widthOf(s.d.types[c]))
	}
	return e
}

// widthOf returns the bytes of a value besides those of a string.
func widthOf(t types.Type) float64 {
	switch t.Class() {
	case types.ClassInt, types.ClassFloat:
		return 8
	}
	return 16
}
