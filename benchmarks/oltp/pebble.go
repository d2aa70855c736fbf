package oltp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/laminadb/lamina"
)

const (
	// pebbleCache is the block cache of Pebble, into which all rows go.
	pebbleCache = 256 << 20
	// pebbleBits are those of a key in its filters, which are as wrong as Lamina's: one in a hundred times.
	pebbleBits = 10
)

// rawPebble is Pebble alone, with values as large as rows.
type rawPebble struct{ db *pebble.DB }

func openPebble(dir string, rows int64) (p *rawPebble, err error) {
	o := &pebble.Options{CacheSize: pebbleCache}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(pebbleBits)
	}
	p = &rawPebble{}
	if p.db, err = pebble.Open(filepath.Join(dir, "pebble"), o); err != nil {
		return nil, err
	}
	batch := p.db.NewBatch()
	var value []byte
	for id := int64(1); id <= rows; id++ {
		value = append(binary.BigEndian.AppendUint64(value[:0], uint64(id)), make([]byte, 16)...)
		value = append(value, payload...)
		if err := batch.Set(binary.BigEndian.AppendUint64(nil, uint64(id)), value, nil); err != nil {
			return nil, errors.Join(err, p.db.Close())
		}
	}
	if err := errors.Join(batch.Commit(pebble.NoSync), p.db.Flush()); err != nil {
		return nil, errors.Join(err, p.db.Close())
	}
	return p, nil
}

// get looks a value up, and its number in it.
func (p *rawPebble) get(id int64) error {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], uint64(id))
	v, closer, err := p.db.Get(key[:])
	if err != nil {
		return err
	}
	if got := binary.BigEndian.Uint64(v); got != uint64(id) {
		return errors.Join(fmt.Errorf("row %d: read %d", id, got), closer.Close())
	}
	return closer.Close()
}

// openLSM fills a table of the LSM tier, and flushes it.
func openLSM(ctx context.Context, dir string, rows int64) (l *laminaDB, err error) {
	l = &laminaDB{allColumns: []int{0, 1, 2, 3}}
	if l.db, err = lamina.Open(filepath.Join(dir, "lsm"), nil); err != nil {
		return nil, err
	}
	err = l.fill(ctx, rows, " USING lsm")
	if err == nil {
		err = l.ready(ctx, 1)
	}
	if err == nil {
		err = l.db.Checkpoint(ctx)
	}
	if err == nil && l.def.Method != "lsm" {
		err = fmt.Errorf("the table is %s", l.def.Method)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// fromLSM are reads of rows in the LSM tier beside Pebble alone.
func (s *systems) fromLSM(k *keySource) []*Case {
	return []*Case{
		{Work: GetLSM, System: Lamina, Note: OneSnapshot, clients: 1, perOp: 1, begin: s.lsm.hold, end: s.lsm.release,
			op: func(ctx context.Context, _ int, _ int64) error { return s.lsm.getHeld(ctx, k.old()) }},
		{Work: GetLSM, System: Pebble, Note: "values are not taken apart", clients: 1, perOp: 1,
			op: func(context.Context, int, int64) error { return s.pebble.get(k.old()) }},
		{Work: GetLSM, System: Lamina, Note: PreparedQuery, clients: 1, perOp: 1,
			op: func(ctx context.Context, _ int, _ int64) error { return s.lsm.getSQL(ctx, k.old()) }},
	}
}
