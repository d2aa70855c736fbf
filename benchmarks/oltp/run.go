package oltp

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Options say how much is measured; all must be set.
type Options struct {
	// Dir is a folder on a disk.
	Dir string
	// Rounds of every case, and how long each takes.
	Rounds    int
	RoundTime time.Duration
	// Rows that are there before.
	Rows int64
	// Progress is told what is done.
	Progress func(string)
}

// The sizes of the work.
const (
	manyClients = 64
	updateRows  = 100
	// insertBase is where the keys of inserted rows begin, far above those of the rows that are there
	// before.
	insertBase = 1 << 40
)

// Result is what was measured.
type Result struct {
	Cases []*Case
	// Settings are what the systems say of themselves.
	Settings []string
}

// Work names, which group the cases.
const (
	Insert1  = "durable INSERT of one row, 1 client"
	Insert64 = "durable INSERT of one row, 64 clients"
	Get      = "read of one row by key"
	Update   = "durable UPDATE of 100 rows by key"
)

// The systems.
const (
	Lamina = "Lamina"
	SQLite = "SQLite"
	Bare   = "append + fdatasync"
)

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	o.Progress("small transactions: filling")
	b, err := openBare(o.Dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	s, err := openSQLite(ctx, o.Dir, o.Rows)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	l, err := openLamina(ctx, o.Dir, manyClients, o.Rows)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	r.Settings = []string{l.gotBack, s.gotBack}
	r.Cases = cases(b, s, l, o.Rows)
	for round := range o.Rounds {
		// Every other round goes backwards: what comes first in a round is not always the same.
		for i := range r.Cases {
			c := r.Cases[i]
			if round%2 == 1 {
				c = r.Cases[len(r.Cases)-1-i]
			}
			o.Progress(c.Work + ": " + c.System)
			if err := c.round(ctx, o.RoundTime); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

func cases(b *bare, s *sqlite, l *laminaDB, rows int64) []*Case {
	var laminaID, sqliteID = newKeys(), newKeys()
	random := rand.New(rand.NewPCG(1, 2)) // used by cases of one client only
	key := func() int64 { return 1 + random.Int64N(rows) }
	keys := make([]int64, updateRows)
	many := func() []int64 {
		for i := range keys {
			keys[i] = key()
		}
		return keys
	}
	laminaInsert := func(ctx context.Context, c int, _ int64) error { return l.insertOne(ctx, c, laminaID()) }
	sqliteInsert := func(ctx context.Context, _ int, _ int64) error { return s.insertOne(ctx, sqliteID()) }
	return []*Case{
		{Work: Insert1, System: Bare, Note: "160 bytes into a preallocated file", clients: 1, perOp: 1, op: b.append},
		{Work: Insert1, System: Lamina, Note: "prepared INSERT", clients: 1, perOp: 1, op: laminaInsert},
		{Work: Insert1, System: SQLite, Note: "prepared INSERT", clients: 1, perOp: 1, op: sqliteInsert},
		{Work: Insert64, System: Lamina, Note: "64 prepared INSERTs", clients: manyClients, perOp: 1, op: laminaInsert},
		{Work: Insert64, System: SQLite, Note: "64 goroutines take turns on one connection", clients: manyClients, perOp: 1,
			op: sqliteInsert},
		{Work: Get, System: Lamina, Note: "package table, one snapshot held", clients: 1, perOp: 1,
			begin: l.hold, end: l.release,
			op: func(ctx context.Context, _ int, _ int64) error { return l.getHeld(ctx, key()) }},
		{Work: Get, System: Lamina, Note: "package table, a snapshot each", clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return l.getFresh(ctx, key()) }},
		{Work: Get, System: Lamina, Note: "prepared SELECT", clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return l.getSQL(ctx, key()) }},
		{Work: Get, System: SQLite, Note: "prepared SELECT", clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return s.getOne(ctx, key()) }},
		{Work: Update, System: Lamina, Note: "100 prepared UPDATEs in a transaction", clients: 1, perOp: updateRows,
			op: func(ctx context.Context, _ int, _ int64) error { return l.updateMany(ctx, many()) }},
		{Work: Update, System: SQLite, Note: "100 prepared UPDATEs in a transaction", clients: 1, perOp: updateRows,
			op: func(ctx context.Context, _ int, _ int64) error { return s.updateMany(ctx, many()) }},
	}
}
