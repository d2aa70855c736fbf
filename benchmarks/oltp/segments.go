package oltp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// uncachedMemory is the MemoryBytes of the database whose segments hardly fit into its cache, an eighth of that.
const uncachedMemory = 16 << 20

// rowTexts returns a text of 72 characters for each key, which no dictionary makes small.
func rowTexts(rows int64) []string {
	random := rand.New(rand.NewPCG(3, 4))
	texts := make([]string, rows+1)
	for i := range texts {
		texts[i] = fmt.Sprintf("%016x%016x%s", random.Uint64(), random.Uint64(), payload[:40])
	}
	return texts
}

// openSegments fills a database and moves all rows to segments. With memory bytes it is closed then, and opened with
// no more than that.
func openSegments(ctx context.Context, dir string, rows, memory int64) (l *laminaDB, err error) {
	l = &laminaDB{allColumns: []int{0, 1, 2, 3}, texts: rowTexts(rows)}
	dir = filepath.Join(dir, fmt.Sprintf("segments-%d", memory))
	if l.db, err = lamina.Open(dir, nil); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if err = l.fill(ctx, rows, ""); err != nil {
		return nil, err
	}
	if err = l.ready(ctx, 1); err != nil {
		return nil, err
	}
	if err = l.compact(ctx); err != nil {
		return nil, err
	}
	if memory == 0 {
		return l, l.warm(ctx, rows)
	}
	if err = l.close(); err != nil {
		return nil, err
	}
	again := &laminaDB{allColumns: l.allColumns, texts: l.texts}
	l = again
	if l.db, err = lamina.Open(dir, &lamina.Options{MemoryBytes: memory}); err != nil {
		return nil, err
	}
	return l, l.ready(ctx, 1)
}

// compact leaves no row outside of segments.
func (l *laminaDB) compact(ctx context.Context) error {
	if err := l.db.Compact(ctx, l.def.ID); err != nil {
		return err
	}
	m := l.db.Metrics()
	for _, t := range m.Tables {
		if t.ID == l.def.ID && (t.DeltaRows > 0 || t.DeletedRows > 0 || t.Segments == 0) {
			return fmt.Errorf("after a compaction there are %+v", t)
		}
	}
	return nil
}

// warm reads all rows.
func (l *laminaDB) warm(ctx context.Context, rows int64) (err error) {
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.release()) }()
	for id := int64(1); id <= rows; id++ {
		if err := l.getHeld(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// reads returns what tells how the cache has fared.
func (l *laminaDB) reads() table.TierMetrics {
	m := l.db.Metrics()
	for _, t := range m.Tiers {
		if t.Name == l.def.Method {
			return t
		}
	}
	return table.TierMetrics{}
}

// fromSegments are reads and updates of rows that lie in segments.
func (s *systems) fromSegments(k *keySource) []*Case {
	get := func(l *laminaDB, f func(*laminaDB, context.Context, int64) error) operation {
		return func(ctx context.Context, _ int, _ int64) error { return f(l, ctx, k.old()) }
	}
	var list []*Case
	for _, x := range []struct {
		work string
		l    *laminaDB
	}{{GetSegments, s.segments}, {GetUncached, s.uncached}} {
		list = append(list,
			&Case{Work: x.work, System: Lamina, Note: OneSnapshot, clients: 1, perOp: 1, begin: x.l.hold, end: x.l.release, op: get(x.l, (*laminaDB).getHeld)},
			&Case{Work: x.work, System: Lamina, Note: SnapshotEach, clients: 1, perOp: 1, op: get(x.l, (*laminaDB).getFresh)},
			&Case{Work: x.work, System: Lamina, Note: PreparedQuery, clients: 1, perOp: 1, op: get(x.l, (*laminaDB).getSQL)})
	}
	keys := make([]int64, updateRows)
	return append(list, &Case{
		Work: UpdateSegments, System: Lamina, Note: "100 prepared UPDATEs in a transaction", clients: 1, perOp: updateRows, begin: s.segments.compact,
		op: func(ctx context.Context, _ int, _ int64) error {
			for i := range keys {
				keys[i] = k.old()
			}
			return s.segments.updateMany(ctx, keys)
		},
	})
}
