package isolation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// storageSession is a client of a table.TableStorage.
type storageSession struct {
	s  table.TableStorage
	tx table.Tx
	o  options
}

var isolationOf = map[history.Level]table.Isolation{
	history.ReadCommitted: table.ReadCommitted, history.RepeatableRead: table.RepeatableRead, history.Serializable: table.Serializable,
}

func (s *storageSession) begin(ctx context.Context, o options) (err error) {
	s.o = o
	s.tx, err = s.s.Begin(ctx, table.TxOptions{Isolation: isolationOf[o.level], Async: o.async})
	return err
}

func (s *storageSession) commit(ctx context.Context) error {
	_, err := s.tx.Commit(ctx)
	return err
}

func (s *storageSession) rollback() error {
	if s.tx == nil {
		return nil
	}
	return s.tx.Rollback()
}

func (s *storageSession) close() error { return s.rollback() }

// in runs a statement, and commits after it in a transaction of one operation.
func (s *storageSession) in(ctx context.Context, f func(table.Statement) error) error {
	st, err := s.tx.Statement(ctx)
	if err != nil {
		return err
	}
	if err := st.Close(f(st)); err != nil || !s.o.once {
		return err
	}
	return s.commit(ctx)
}

// id finds a table.
func (s *storageSession) id(t *listTable) (table.ObjectID, error) {
	def, ok := s.tx.Schema().LookupRelation(table.PublicSchema, t.name).(*table.TableDef)
	if !ok {
		return 0, fmt.Errorf("there is no table %s", t.name)
	}
	return def.ID, nil
}

func (s *storageSession) reader(ctx context.Context, st table.Statement, t *listTable) (table.Reader, error) {
	id, err := s.id(t)
	if err != nil {
		return nil, err
	}
	return st.Reader(ctx, id)
}

func (s *storageSession) writer(ctx context.Context, st table.Statement, t *listTable) (table.Writer, error) {
	id, err := s.id(t)
	if err != nil {
		return nil, err
	}
	return st.Writer(ctx, id)
}

func integer(v int64) types.Datum { return types.NewInt(types.Int8, v) }

// found is a row of a list: the key, its text, or position and value.
type found struct {
	key, pos, value int64
	text            string
	ref             table.RowRef
}

// rows scans a table for the rows of a list, or of all if key is negative.
func (s *storageSession) rows(ctx context.Context, r table.Reader, t *listTable, key int64) (all []found, err error) {
	spec := table.ScanSpec{Cols: []int{0, 1}, Refs: true}
	if t.rows {
		spec.Cols = []int{0, 1, 2}
	}
	if key >= 0 {
		spec.Where = []table.Conjunct{{Col: 0, Op: table.OpEq, Value: integer(key)}}
	}
	scan, err := r.Scan(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scan.Close()) }()
	for {
		m, err := scan.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			slices.SortFunc(all, func(a, b found) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.pos, b.pos)) })
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var b vec.Batch
		for err = m.Read(ctx, &b); err == nil; err = m.Read(ctx, &b) {
			for i := range b.N {
				f := found{key: b.BatchDatum(0, i).I}
				if t.rows {
					f.pos, f.value, f.ref = b.BatchDatum(1, i).I, b.BatchDatum(2, i).I, table.RowRef(b.BatchDatum(3, i).I)
				} else {
					f.text, f.ref = strings.Clone(b.BatchDatum(1, i).S), table.RowRef(b.BatchDatum(2, i).I)
				}
				if key < 0 || f.key == key {
					all = append(all, f)
				}
			}
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}

// lists makes lists of rows.
func (t *listTable) lists(all []found) (map[int64][]int64, error) {
	rows := make([][]string, len(all))
	for i, f := range all {
		if rows[i] = []string{fmt.Sprint(f.key), f.text}; t.rows {
			rows[i] = []string{fmt.Sprint(f.key), fmt.Sprint(f.value), fmt.Sprint(f.pos)}
		}
	}
	return t.values(rows)
}

func (s *storageSession) read(ctx context.Context, t *listTable, key int64) (values []int64, err error) {
	err = s.in(ctx, func(st table.Statement) error {
		r, err := s.reader(ctx, st, t)
		if err != nil {
			return err
		}
		if !t.rows {
			row, err := r.Get(ctx, types.Row{integer(key)}, []int{1}, nil)
			if errors.Is(err, table.ErrNotFound) {
				return nil
			}
			if err == nil {
				values, err = parse(row[0].S)
			}
			return err
		}
		all, err := s.rows(ctx, r, t, key)
		if err != nil {
			return err
		}
		lists, err := t.lists(all)
		values = lists[key]
		return err
	})
	return values, err
}

func (s *storageSession) scan(ctx context.Context, t *listTable) (lists map[int64][]int64, err error) {
	err = s.in(ctx, func(st table.Statement) error {
		r, err := s.reader(ctx, st, t)
		if err != nil {
			return err
		}
		all, err := s.rows(ctx, r, t, -1)
		if err == nil {
			lists, err = t.lists(all)
		}
		return err
	})
	return lists, err
}

// insert inserts one row.
func insert(ctx context.Context, w table.Writer, row types.Row) error {
	cols := make([]types.Type, len(row))
	for i := range row {
		cols[i] = w.Def().Columns[i].Type
	}
	b := vec.NewBatchBuilder(cols, 1, nil)
	if err := b.AppendRow(row); err != nil {
		return err
	}
	_, err := w.Insert(ctx, b.Batch(), table.OnConflict{Key: -1})
	return err
}

// set replaces one column of a row.
func set(ctx context.Context, w table.Writer, ref table.RowRef, col int, d types.Datum) error {
	b := vec.NewBatchBuilder([]types.Type{w.Def().Columns[col].Type}, 1, nil)
	if err := b.AppendRow(types.Row{d}); err != nil {
		return err
	}
	_, err := w.Update(ctx, []table.RowRef{ref}, []int{col}, b.Batch())
	return err
}

func (s *storageSession) append(ctx context.Context, t *listTable, key, value int64, _ int) (read []int64, has bool, err error) {
	err = s.in(ctx, func(st table.Statement) error {
		r, err := s.reader(ctx, st, t)
		if err != nil {
			return err
		}
		w, err := s.writer(ctx, st, t)
		if err != nil {
			return err
		}
		if t.rows {
			all, err := s.rows(ctx, r, t, key)
			if err != nil {
				return err
			}
			if s.o.level > history.ReadCommitted {
				lists, err := t.lists(all)
				if read, has = lists[key], true; err != nil {
					return err
				}
			}
			return insert(ctx, w, types.Row{integer(key), integer(int64(len(all)) + 1), integer(value)})
		}
		ref, err := r.Ref(ctx, types.Row{integer(key)})
		if errors.Is(err, table.ErrNotFound) {
			return insert(ctx, w, types.Row{integer(key), types.NewString(types.Text, fmt.Sprint(",", value))})
		}
		if err == nil {
			read, has, err = s.grow(ctx, r, w, ref, value)
		}
		return err
	})
	return read, has && !s.o.once, err
}

// grow locks the row of a list, reads what it has become and writes it with one more value. What it has read is told
// where that is what the statement's snapshot shows.
func (s *storageSession) grow(ctx context.Context, r table.Reader, w table.Writer, ref table.RowRef, value int64) ([]int64, bool, error) {
	lock := s.o.level == history.ReadCommitted
	if lock {
		out := make([]table.LockResult, 1)
		if err := w.Lock(ctx, []table.RowRef{ref}, table.ForNoKeyUpdate, table.WaitBlock, out); err != nil {
			return nil, false, err
		}
		if out[0].Status == table.Gone {
			return nil, false, errGone
		}
		ref = out[0].Ref
	}
	var b vec.Batch
	if err := r.Fetch(ctx, []table.RowRef{ref}, []int{1}, &b); err != nil {
		return nil, false, err
	}
	text := strings.Clone(b.BatchDatum(0, 0).S)
	if err := set(ctx, w, ref, 1, types.NewString(types.Text, fmt.Sprint(text, ",", value))); err != nil {
		return nil, false, err
	}
	values, err := parse(text)
	return values, !lock, err
}

func (s *storageSession) churn(ctx context.Context, t *listTable, key int64, way int) error {
	if way == 2 {
		return s.in(ctx, func(st table.Statement) error {
			refs, w, err := s.refs(ctx, st, t, key)
			if err != nil || len(refs) == 0 {
				return err
			}
			return w.Lock(ctx, refs, table.ForKeyShare, table.WaitBlock, make([]table.LockResult, len(refs)))
		})
	}
	if way == 1 {
		for _, step := range []struct{ from, to int64 }{{key, key + renamed}, {key + renamed, key}} {
			if err := s.rename(ctx, t, step.from, step.to); err != nil {
				return err
			}
		}
		return nil
	}
	return s.again(ctx, t, key)
}

func (s *storageSession) refs(ctx context.Context, st table.Statement, t *listTable, key int64) ([]table.RowRef, table.Writer, error) {
	r, err := s.reader(ctx, st, t)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.rows(ctx, r, t, key)
	if err != nil {
		return nil, nil, err
	}
	refs := make([]table.RowRef, len(all))
	for i := range all {
		refs[i] = all[i].ref
	}
	w, err := s.writer(ctx, st, t)
	return refs, w, err
}

// rename gives a list another key.
func (s *storageSession) rename(ctx context.Context, t *listTable, from, to int64) error {
	return s.in(ctx, func(st table.Statement) error {
		refs, w, err := s.refs(ctx, st, t, from)
		for i := 0; err == nil && i < len(refs); i++ {
			err = set(ctx, w, refs[i], 0, integer(to))
		}
		return onlySnapshot(err, s.o.level)
	})
}

// errGone: the row was deleted by somebody else.
var errGone = fmt.Errorf("a row is gone: %w", table.ErrNotFound)

// onlySnapshot makes errGone of the 40001 of an update without a lock under READ COMMITTED.
func onlySnapshot(err error, level history.Level) error {
	if err != nil && level == history.ReadCommitted {
		if o, _ := outcome(err); o == history.Aborted {
			return errGone
		}
	}
	return err
}

// again deletes the last row of a list and inserts it again.
func (s *storageSession) again(ctx context.Context, t *listTable, key int64) error {
	var row types.Row
	err := s.in(ctx, func(st table.Statement) error {
		r, err := s.reader(ctx, st, t)
		if err != nil {
			return err
		}
		all, err := s.rows(ctx, r, t, key)
		if err != nil || len(all) == 0 {
			return err
		}
		last := all[len(all)-1]
		if row = (types.Row{integer(key), types.NewString(types.Text, last.text)}); t.rows {
			row = types.Row{integer(key), integer(last.pos), integer(last.value)}
		}
		w, err := s.writer(ctx, st, t)
		if err == nil {
			_, err = w.Delete(ctx, []table.RowRef{last.ref})
		}
		return onlySnapshot(err, s.o.level)
	})
	if err != nil || row == nil {
		return err
	}
	return s.in(ctx, func(st table.Statement) error {
		w, err := s.writer(ctx, st, t)
		if err != nil {
			return err
		}
		return insert(ctx, w, row)
	})
}

func (s *storageSession) undone(ctx context.Context, t *listTable, key, value int64) error {
	save, err := s.tx.Savepoint(ctx)
	if err != nil {
		return err
	}
	if _, _, err := s.append(ctx, t, key, value, 0); err != nil {
		return err
	}
	if _, err := s.read(ctx, t, key); err != nil {
		return err
	}
	return save.RollbackTo(ctx)
}
