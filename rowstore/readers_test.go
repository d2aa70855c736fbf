package rowstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Bounds of the readers' test.
const (
	anchors     = 200 // rows that are updated and never deleted
	batchesMin  = 300
	batchesMax  = 5000
	readersOf   = 3
	snapshotMin = 60 // read by each of them
)

// content is what a snapshot must show.
type content struct {
	rows    int
	sum     int64 // of the column n
	emptied int   // rows of the other table
}

// published stands for the Views: what is published, and which snapshots are held.
type published struct {
	sync.Mutex
	at   table.LSN
	want content
	snap table.TierSnapshot // as each View has one
	held [readersOf]table.LSN
}

func (p *published) publish(lsn table.LSN, c content, snap table.TierSnapshot) {
	p.Lock()
	defer p.Unlock()
	p.at, p.want, p.snap = lsn, c, snap
}

func (p *published) hold(reader int) (table.LSN, table.TierSnapshot, content) {
	p.Lock()
	defer p.Unlock()
	p.held[reader] = p.at
	return p.at, p.snap, p.want
}

func (p *published) release(reader int) {
	p.Lock()
	defer p.Unlock()
	p.held[reader] = 0
}

// sleep waits until much more has been published.
func (p *published) sleep(until table.LSN) {
	for range 5000 {
		p.Lock()
		at := p.at
		p.Unlock()
		if at >= until {
			return
		}
		time.Sleep(10 * time.Microsecond)
	}
}

func (p *published) watermark() table.LSN {
	p.Lock()
	defer p.Unlock()
	w := p.at
	for _, lsn := range p.held {
		if lsn > 0 {
			w = min(w, lsn)
		}
	}
	return w
}

// TestReadersBesideWriter: scans and look-ups at snapshots of all ages, beside a writer that inserts, updates and
// deletes, whose chunks and index nodes are recycled.
func TestReadersBesideWriter(t *testing.T) {
	mem.SetOnHeap(true)
	t.Cleanup(func() { mem.SetOnHeap(false) })
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &published{}
	w := &besideWriter{s: s, p: p, rng: rand.New(rand.NewPCG(7, 7)), live: map[int64]int64{}}
	w.start(t)
	var stop atomic.Bool
	var read [readersOf]atomic.Int64
	errs := make(chan error, readersOf)
	for i := range readersOf {
		go func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for !stop.Load() {
				if err := readBeside(p, i, rng); err != nil {
					errs <- err
					return
				}
				read[i].Add(1)
			}
			errs <- nil
		}()
	}
	enough := func() bool {
		for i := range read {
			if read[i].Load() < snapshotMin {
				return false
			}
		}
		return true
	}
	for n := 0; n < batchesMin || n < batchesMax && !enough() && len(errs) == 0; n++ {
		w.step(t)
	}
	stop.Store(true)
	for range readersOf {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	freed := s.Metrics().ChunksFreed
	t.Logf("%d batches, %d snapshots, %d chunks freed", w.lsn, read[0].Load()+read[1].Load()+read[2].Load(), freed)
	if !t.Failed() && (!enough() || freed == 0) {
		t.Errorf("too little was done")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// besideWriter applies batches to a table (id int8 PRIMARY KEY, n int8).
type besideWriter struct {
	s    *Store
	p    *published
	def  *table.TableDef
	rng  *rand.Rand
	lsn  table.LSN
	next int64
	live map[int64]int64 // n by id
	olds []int64         // rows that will be deleted, in order of arrival
	sum  int64
	// emptied is how many rows the other table has.
	emptied int
}

func (w *besideWriter) start(t *testing.T) {
	w.def = &table.TableDef{
		Header:  table.Header{ID: besideTable, Kind: table.KindTable, Name: "t", Version: 1},
		Columns: []table.Column{{Name: "id", Type: types.T(types.Int8)}, {Name: "n", Type: types.T(types.Int8)}},
		Keys:    []table.Key{{Name: "t_pkey", Primary: true, Columns: []int{0}}},
	}
	w.lsn++
	other := *w.def
	other.ID, other.Name = emptiedTable, "u"
	for _, def := range []*table.TableDef{w.def, &other} {
		if err := w.s.Define(w.lsn, def); err != nil {
			t.Fatal(err)
		}
	}
	rows := map[int64]int64{}
	for id := range int64(anchors) {
		rows[spread(id)] = 1
	}
	w.next = anchors
	w.apply(t, table.OpInsertRows, nil, rows)
}

// The table with the anchors, and one that is emptied and filled again.
const (
	besideTable  table.ObjectID = 20000
	emptiedTable table.ObjectID = 20001
)

// spread scatters ids over the key space, so that index nodes split everywhere.
func spread(id int64) int64 { return int64(uint64(id)*0x9E3779B97F4A7C15) >> 1 }

// apply applies one entry at the next LSN, publishes it and lets the tier free what it can.
func (w *besideWriter) apply(t *testing.T, op table.EntryOp, keys []int64, rows map[int64]int64) {
	w.lsn++
	e := &table.Entry{Table: w.def.ID, Version: 1, Op: op}
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Int8)}, max(1, len(rows)), nil)
	for _, id := range keys {
		e.Keys.Append(index.AppendDatum(nil, types.NewInt(types.Int8, id), true))
		w.sum -= w.live[id]
		delete(w.live, id)
	}
	for id, n := range rows {
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int8, id), types.NewInt(types.Int8, n)}); err != nil {
			t.Fatal(err)
		}
		w.sum += n
		w.live[id] = n
	}
	if len(rows) > 0 {
		e.Rows = bb.Batch()
	}
	if err := w.s.Apply(w.lsn, e); err != nil {
		t.Fatal(err)
	}
	w.publish()
}

func (w *besideWriter) publish() {
	w.p.publish(w.lsn, content{len(w.live), w.sum, w.emptied}, w.s.Snapshot(w.lsn))
	w.s.Retire(w.lsn, w.p.watermark())
}

// empty truncates the other table and fills it with as many rows as the LSN says.
func (w *besideWriter) empty(t *testing.T) {
	w.lsn++
	w.emptied = int(w.lsn%100) + 1
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Int8)}, w.emptied, nil)
	for id := range w.emptied {
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int8, int64(id)), types.NewInt(types.Int8, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []*table.Entry{
		{Table: emptiedTable, Version: 1, Op: table.OpTruncate},
		{Table: emptiedTable, Version: 1, Op: table.OpInsertRows, Rows: bb.Batch()},
	} {
		if err := w.s.Apply(w.lsn, e); err != nil {
			t.Fatal(err)
		}
	}
	w.publish()
}

func (w *besideWriter) step(t *testing.T) {
	switch w.rng.IntN(5) {
	case 4:
		w.empty(t)
	case 0: // anchors get another value
		first := w.rng.Int64N(anchors - 50)
		rows := map[int64]int64{}
		var keys []int64
		for id := first; id < first+50; id++ {
			keys, rows[spread(id)] = append(keys, spread(id)), w.rng.Int64N(1000)
		}
		w.apply(t, table.OpUpdateRows, keys, rows)
	case 1: // the oldest go, so that whole chunks die
		n := min(len(w.olds), 2*vec.Size)
		if n > 0 {
			w.apply(t, table.OpDeleteRows, w.olds[:n], nil)
			w.olds = w.olds[n:]
		}
	default:
		rows := map[int64]int64{}
		for range 1 + w.rng.IntN(600) {
			id := spread(w.next)
			w.next++
			rows[id] = w.rng.Int64N(1000)
			w.olds = append(w.olds, id)
		}
		w.apply(t, table.OpInsertRows, nil, rows)
	}
}

// readBeside reads a snapshot in all ways.
func readBeside(p *published, reader int, rng *rand.Rand) error {
	lsn, snap, want := p.hold(reader)
	defer p.release(reader)
	ts := snap.Table(besideTable)
	for range 100 {
		id := rng.Int64N(anchors)
		key := index.AppendDatum(nil, types.NewInt(types.Int8, spread(id)), true)
		ref, ok := ts.Get(key)
		if !ok {
			return fmt.Errorf("LSN %d: row %d is not found", lsn, id)
		}
		if row := ts.AppendRow(nil, ref, []int{0, 1}); row[0].I != spread(id) || row[1].I < 0 || row[1].I >= 1000 {
			return fmt.Errorf("LSN %d: row %d is %v", lsn, id, row)
		}
		if _, ok := ts.NewestUnique(0, key); !ok {
			return fmt.Errorf("LSN %d: the key of row %d, which is only ever updated, is free", lsn, id)
		}
		if _, _, live, found := ts.Newest(key); !live || !found {
			return fmt.Errorf("LSN %d: the newest version of row %d is not live", lsn, id)
		}
		if _, ok := ts.Get(index.AppendDatum(nil, types.NewInt(types.Int8, -1-id), true)); ok {
			return fmt.Errorf("LSN %d: a row is found that never was", lsn)
		}
	}
	for round := range 2 {
		got, err := addUp(ts)
		if err == nil {
			var emptied content
			emptied, err = addUp(snap.Table(emptiedTable))
			got.emptied = emptied.rows
		}
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("LSN %d: rows and sum %v, want %v", lsn, got, want)
		}
		if round == 1 || rng.IntN(12) > 0 {
			break
		}
		p.sleep(lsn + 30) // who has slept sees what it saw before
	}
	return nil
}

func addUp(ts table.TableSnapshot) (c content, err error) {
	sc, err := ts.Scan(&table.ScanSpec{Cols: []int{1}})
	if err != nil {
		return c, err
	}
	ctx := context.Background()
	for {
		m, err := sc.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			return c, sc.Close()
		}
		if err != nil {
			return c, err
		}
		var b vec.Batch
		for m.Read(ctx, &b) == nil {
			c.rows += b.N
			for i := range b.N {
				c.sum += b.BatchDatum(0, i).I
			}
		}
		m.Close()
	}
}
