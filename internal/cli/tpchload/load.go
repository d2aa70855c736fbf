package tpchload

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/vec"
)

// Options say how Load works; the zero value loads all tables in bulk into the default tier.
type Options struct {
	// Tier is the access method of the tables; "" is the database's default.
	Tier string
	// Tables to load; nil: all.
	Tables []tpch.Table
	// Workers is the number of goroutines that make rows; 0: one per CPU.
	Workers int
	// Mixed delivers half of the rows in transactions of about SmallRows rows each.
	Mixed bool
	// CorruptRow changes one price, that of the first line of the first order.
	CorruptRow bool
	// Progress, if not nil, is called with the number of rows loaded so far, by one goroutine at a
	// time.
	Progress func(rows int64)
}

// Limits of Load.
const (
	// bulkRows is the number of rows after which a bulk transaction commits: it bounds the write set.
	bulkRows = 256 << 10
	// bulkPart is the part of the storage's memory after which it commits, too.
	bulkPart = 32
	// mixedBulkRows is less, because an Appender of many rows locks its table against the small transactions beside it.
	mixedBulkRows = 32 << 10
	// SmallRows is the size of the small transactions of Options.Mixed.
	SmallRows = 64
	// smallWriters is the number of goroutines that commit them.
	smallWriters = 8
)

// Stats say what Load did.
type Stats struct {
	Rows, Bytes        int64
	Bulk, Small        int64 // transactions
	BulkRows, SmallRow int64
	Duration           time.Duration
}

// Create creates the tables.
func Create(ctx context.Context, db *lamina.DB, tables []tpch.Table, tier string) error {
	for _, t := range tables {
		sql := tpch.DDL(t)
		if tier != "" {
			sql += " USING " + tier
		}
		if _, err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Load creates the tables and fills them. Rows arrive in the order of their keys, as from files.
func Load(ctx context.Context, db *lamina.DB, g *tpch.Generator, o Options) (Stats, error) {
	if o.Tables == nil {
		o.Tables = tpch.Tables()
	}
	start := time.Now()
	if err := Create(ctx, db, o.Tables, o.Tier); err != nil {
		return Stats{}, err
	}
	if o.Mixed && o.Tier == "columnar" {
		if err := addBitmaps(ctx, db, o.Tables); err != nil {
			return Stats{}, err
		}
	}
	l := &loader{db: db, o: o, tables: map[tpch.Table]*target{}, bulkBytes: max(1<<20, db.Metrics().MemoryLimit/bulkPart)}
	for _, t := range o.Tables {
		l.tables[t] = &target{l: l, name: t.Name(), left: g.Rows(t)}
	}
	err := g.Generate(ctx, tpch.GenerateOptions{Tables: o.Tables, Workers: o.Workers, Ordered: true}, l.sink)
	for _, t := range l.tables {
		err = errors.Join(err, t.close(ctx, err))
	}
	l.stats.Duration = time.Since(start)
	return l.stats, err
}

type loader struct {
	db     *lamina.DB
	o      Options
	tables map[tpch.Table]*target
	// bulkBytes are the bytes of values after which a bulk transaction commits.
	bulkBytes int64
	mu        sync.Mutex // guards stats and the calls of Progress
	stats     Stats
}

func (l *loader) sink(ctx context.Context, b tpch.Batch, first int64) error {
	if li, ok := b.(*tpch.LineItemBatch); ok && first == 0 && l.o.CorruptRow {
		li.ExtendedPrice[0]++
	}
	return l.tables[b.Table()].add(ctx, b)
}

func (l *loader) count(f func(*Stats)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.stats)
	if l.o.Progress != nil {
		l.o.Progress(l.stats.Rows)
	}
}

// target is one table. Its batches come one after the other.
type target struct {
	l    *loader
	name string
	left int64 // rows to come
	app  *lamina.Appender
	// bytes are those of the values that app has.
	bytes int64
	cols  *Columns
}

// open begins a bulk transaction if none is open.
func (t *target) open(ctx context.Context) (err error) {
	if t.app != nil {
		return nil
	}
	if t.app, err = t.l.db.Appender(ctx, t.name); err != nil {
		return err
	}
	if t.cols == nil {
		t.cols = NewColumns(t.app.Columns())
	}
	return nil
}

// close commits the open transaction, or drops it if the load has failed.
func (t *target) close(ctx context.Context, failed error) error {
	if t.app == nil {
		return nil
	}
	app := t.app
	t.app, t.bytes = nil, 0
	if failed != nil {
		return app.Abort()
	}
	rows := app.Rows()
	if err := app.Close(ctx); err != nil {
		return err
	}
	t.l.count(func(s *Stats) { s.Bulk, s.BulkRows = s.Bulk+1, s.BulkRows+rows })
	return nil
}

func (t *target) add(ctx context.Context, b tpch.Batch) error {
	if err := t.open(ctx); err != nil {
		return err
	}
	if err := t.cols.Set(b); err != nil {
		return err
	}
	for first := 0; first < b.Len(); first += vec.Size {
		n := min(vec.Size, b.Len()-first)
		bulk := n
		if t.l.o.Mixed {
			bulk = n / 2
		}
		if bulk > 0 {
			if err := t.app.AppendBatch(ctx, t.cols.Rows(first, bulk)); err != nil {
				return err
			}
		}
		if err := t.small(ctx, first+bulk, n-bulk); err != nil {
			return err
		}
	}
	t.l.count(func(s *Stats) { s.Rows, s.Bytes = s.Rows+int64(b.Len()), s.Bytes+t.cols.Bytes() })
	t.left -= int64(b.Len())
	t.bytes += t.cols.Bytes()
	return t.closeFull(ctx)
}

// closeFull commits the open transaction if it has many rows, or the last ones: what is open keeps from being freed what
// was there when it began.
func (t *target) closeFull(ctx context.Context) error {
	rows := t.app.Rows()
	if rows >= bulkRows || t.bytes >= t.l.bulkBytes || t.left <= 0 || t.l.o.Mixed && rows >= mixedBulkRows {
		return t.close(ctx, nil)
	}
	return nil
}

// small commits n rows in transactions of SmallRows rows each, a few at a time.
func (t *target) small(ctx context.Context, first, n int) error {
	pieces := (n + SmallRows - 1) / SmallRows
	if pieces == 0 {
		return nil
	}
	var wg sync.WaitGroup
	errs := make([]error, min(smallWriters, pieces))
	for w := range errs {
		wg.Go(func() {
			for p := w; p < pieces && errs[w] == nil; p += len(errs) {
				at := p * SmallRows
				errs[w] = t.commit(ctx, t.cols.Rows(first+at, min(SmallRows, n-at)))
			}
		})
	}
	wg.Wait()
	t.l.count(func(s *Stats) { s.Small, s.SmallRow = s.Small+int64(pieces), s.SmallRow+int64(n) })
	return errors.Join(errs...)
}

// commit inserts rows in a transaction of their own.
func (t *target) commit(ctx context.Context, rows *vec.Batch) error {
	app, err := t.l.db.Appender(ctx, t.name)
	if err != nil {
		return err
	}
	if err := app.AppendBatch(ctx, rows); err != nil {
		return err // the appender has rolled back
	}
	return app.Close(ctx)
}
