package oltp

import (
	"context"
	"math/rand/v2"
)

// operation is what a Case does over and over.
type operation = func(ctx context.Context, c int, i int64) error

// cases lists what is measured, in the order of an even round.
func (s *systems) cases(rows int64) []*Case {
	k := newKeySource(rows)
	list := s.inserts(k)
	list = append(list, s.gets(k)...)
	list = append(list, s.getsBeside(k)...)
	list = append(list, s.updates(k)...)
	list = append(list, s.fromSegments(k)...)
	return append(list, s.fromLSM(k)...)
}

// keySource gives keys: new ones to each system, and old ones at random, which cases of one client use.
type keySource struct {
	lamina, sqlite, bolt func() int64
	old                  func() int64
	// next goes through all old keys, so that none comes back soon.
	next func() int64
}

// nextStep is a prime.
const nextStep = 7919

func newKeySource(rows int64) *keySource {
	random := rand.New(rand.NewPCG(1, 2))
	at := int64(0)
	return &keySource{newKeys(), newKeys(), newKeys(), func() int64 { return 1 + random.Int64N(rows) }, func() int64 {
		at = (at + nextStep) % rows
		return 1 + at
	}}
}

func (s *systems) inserts(k *keySource) []*Case {
	lamina := func(ctx context.Context, c int, _ int64) error { return s.lamina.insertOne(ctx, c, k.lamina()) }
	sqlite := func(ctx context.Context, _ int, _ int64) error { return s.sqlite.insertOne(ctx, k.sqlite()) }
	return []*Case{
		{Work: Insert1, System: Bare, Note: "160 bytes into a preallocated file", clients: 1, perOp: 1, op: s.bare.append},
		{Work: Insert1, System: Lamina, Note: "prepared INSERT", clients: 1, perOp: 1, op: lamina, counts: s.lamina.counts},
		{Work: Insert1, System: SQLite, Note: "prepared INSERT", clients: 1, perOp: 1, op: sqlite},
		{Work: Insert64, System: Lamina, Note: "64 prepared INSERTs", clients: manyClients, perOp: 1, op: lamina,
			counts: s.lamina.counts},
		{Work: Insert64, System: SQLite, Note: "64 goroutines take turns on one connection", clients: manyClients, perOp: 1,
			op: sqlite},
	}
}

func (s *systems) gets(k *keySource) []*Case {
	get := func(f func(ctx context.Context, id int64) error) operation {
		return func(ctx context.Context, _ int, _ int64) error { return f(ctx, k.old()) }
	}
	boltGet := func(f func(id int64) error) operation {
		return func(context.Context, int, int64) error { return f(k.old()) }
	}
	return []*Case{
		{Work: Get, System: Lamina, Note: OneSnapshot, clients: 1, perOp: 1, begin: s.lamina.hold, end: s.lamina.release,
			op: get(s.lamina.getHeld)},
		{Work: Get, System: Bolt, Note: OneSnapshot, clients: 1, perOp: 1,
			begin: func(context.Context) error { return s.bolt.hold() }, end: s.bolt.release, op: boltGet(s.bolt.getHeld)},
		{Work: Get, System: Lamina, Note: SnapshotEach, clients: 1, perOp: 1, op: get(s.lamina.getFresh)},
		{Work: Get, System: Bolt, Note: SnapshotEach, clients: 1, perOp: 1, op: boltGet(s.bolt.getFresh)},
		{Work: Get, System: Lamina, Note: PreparedQuery, clients: 1, perOp: 1, op: get(s.lamina.getSQL)},
		{Work: Get, System: SQLite, Note: PreparedQuery, clients: 1, perOp: 1, op: get(s.sqlite.getOne)},
		{Work: Get, System: Lamina, Note: PreparedStd, clients: 1, perOp: 1, op: get(s.lamina.std.getOne)},
		{Work: Get, System: Lamina, Note: KnownText, clients: 1, perOp: 1, op: get(s.lamina.getText)},
		{Work: Get, System: SQLite, Note: KnownText, clients: 1, perOp: 1, op: get(s.sqlite.getText)},
		{Work: Get, System: Lamina, Note: NewText, clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return s.lamina.getLiteral(ctx, k.next()) }},
		{Work: Get, System: SQLite, Note: NewText, clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return s.sqlite.getLiteral(ctx, k.next()) }},
	}
}

// getsBeside are reads while another goroutine commits one row after the other and waits for the disk each time.
func (s *systems) getsBeside(k *keySource) []*Case {
	lamina := func(ctx context.Context) error { return s.lamina.insertOne(ctx, 0, k.lamina()) }
	bolt := func(context.Context) error { return s.bolt.insertOne(k.bolt()) }
	return []*Case{
		{Work: GetBeside, System: Lamina, Note: SnapshotEach, clients: 1, perOp: 1, beside: lamina,
			op: func(ctx context.Context, _ int, _ int64) error { return s.lamina.getFresh(ctx, k.old()) }},
		{Work: GetBeside, System: Bolt, Note: SnapshotEach, clients: 1, perOp: 1, beside: bolt,
			op: func(context.Context, int, int64) error { return s.bolt.getFresh(k.old()) }},
		{Work: GetBeside, System: Lamina, Note: PreparedQuery, clients: 1, perOp: 1, beside: lamina,
			op: func(ctx context.Context, _ int, _ int64) error { return s.lamina.getSQL(ctx, k.old()) }},
	}
}

func (s *systems) updates(k *keySource) []*Case {
	keys := make([]int64, updateRows)
	many := func() []int64 {
		for i := range keys {
			keys[i] = k.old()
		}
		return keys
	}
	return []*Case{
		{Work: Update, System: Lamina, Note: "100 prepared UPDATEs in a transaction", clients: 1, perOp: updateRows,
			counts: s.lamina.counts,
			op:     func(ctx context.Context, _ int, _ int64) error { return s.lamina.updateMany(ctx, many()) }},
		{Work: Update, System: SQLite, Note: "100 prepared UPDATEs in a transaction", clients: 1, perOp: updateRows,
			op: func(ctx context.Context, _ int, _ int64) error { return s.sqlite.updateMany(ctx, many()) }},
	}
}
