package store

import (
	"context"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Reader reads one table at a statement's snapshot: the committed rows of the View, less those that
// earlier statements of the transaction ended, and the rows that these wrote.
type Reader struct {
	st   *Statement
	tt   *txTable
	def  *table.TableDef
	ts   table.TableSnapshot // nil: the View has no such table
	rows table.RowGetter     // ts, if it is one
	key  []byte
}

var (
	_ table.Reader    = (*Reader)(nil)
	_ table.RefGetter = (*Reader)(nil)
)

// Reader returns a reader of a table.
func (st *Statement) Reader(ctx context.Context, id table.ObjectID) (table.Reader, error) {
	st.read = true
	def, ts, err := st.table(ctx, id, table.AccessShare)
	if err != nil {
		return nil, err
	}
	if err := st.tx.table(id).settle(ctx, st.command); err != nil {
		return nil, err
	}
	st.used = true
	r := st.newReader()
	r.st, r.tt, r.def, r.ts = st, st.tx.table(id), def, ts
	r.rows, _ = ts.(table.RowGetter)
	return r, nil
}

func (st *Statement) newReader() *Reader {
	t := st.tx
	if x := st.space; x != nil && x.used < len(x.readers) {
		x.used++
		r := &x.readers[x.used-1]
		if x.used == 1 {
			r.key = x.key[:0]
		}
		return r
	}
	if st != &t.first.statement || t.first.readerUsed {
		return &Reader{}
	}
	t.first.readerUsed = true
	t.first.reader.key = t.first.key[:0]
	return &t.first.reader
}

// Def returns the definition that the statement sees.
func (r *Reader) Def() *table.TableDef { return r.def }

// encode returns the encoded primary key; ok is false if no row can have it.
func (r *Reader) encode(key types.Row) (enc []byte, ok bool, err error) {
	pk := r.def.PrimaryKey()
	if pk == nil {
		return nil, false, sqlerr.Newf(sqlerr.UndefinedObject, "table \"%s\" has no primary key", r.def.Name)
	}
	if len(key) != len(pk) {
		return nil, false, sqlerr.Newf(sqlerr.InternalError,
			"a key of %d values for the primary key of \"%s\", which has %d columns", len(key), r.def.Name, len(pk))
	}
	enc = r.key[:0]
	for i, c := range pk {
		d, kind := key[i], r.def.Columns[c].Type.Kind
		if !d.Valid {
			return nil, false, nil
		}
		if d.K != kind {
			if d.K.Class() != kind.Class() {
				return nil, false, sqlerr.Newf(sqlerr.InternalError, "a value of type %s for column \"%s\" of type %s",
					d.K, r.def.Columns[c].Name, kind)
			}
			if !inRange(kind, d) {
				return nil, false, nil
			}
			d.K = kind
		}
		enc = index.AppendDatum(enc, d, i == len(pk)-1)
	}
	r.key = enc
	return enc, true, nil
}

// inRange reports whether a value of the same class can be one of the kind.
func inRange(kind types.Kind, d types.Datum) bool {
	switch kind {
	case types.Bool:
		return d.I == 0 || d.I == 1
	case types.Int2:
		return d.I == int64(int16(d.I))
	case types.Int4, types.Date:
		return d.I == int64(int32(d.I))
	case types.OID:
		return d.I == int64(uint32(d.I))
	}
	return true
}

// find returns the reference of the row that the statement sees with an encoded primary key.
func (r *Reader) find(key []byte) (table.RowRef, bool) {
	w := r.tt.w
	if w != nil && !w.empty() {
		if row := w.lookup(0, key, r.st.sees()); row >= 0 {
			return privateRef | table.RowRef(row), true
		}
	}
	if r.ts == nil {
		return 0, false
	}
	ref, ok := r.ts.Get(key)
	if ok && w != nil && w.hides(ref, r.st.sees()) {
		return 0, false
	}
	return ref, ok
}

// Get appends the asked columns of a row to dst.
func (r *Reader) Get(ctx context.Context, key types.Row, cols []int, dst types.Row) (types.Row, error) {
	if r.rows == nil || r.tt.w != nil && !r.tt.w.empty() {
		dst, _, err := r.GetRef(ctx, key, cols, dst)
		return dst, err
	}
	if err := checkColumns(r.def, cols); err != nil {
		return dst, err
	}
	enc, ok, err := r.look(key)
	if !ok || err != nil {
		return dst, orNotFound(err)
	}
	row, _, found := r.rows.GetRow(enc, cols, dst)
	r.looked(enc, found)
	if err := r.st.tx.s.readable(); err != nil {
		return dst, err
	}
	if !found {
		return dst, table.ErrNotFound
	}
	return row, nil
}

func orNotFound(err error) error {
	if err == nil {
		return table.ErrNotFound
	}
	return err
}

// look encodes the key of a row that is looked for; ok is false if no row can have it.
func (r *Reader) look(key types.Row) (enc []byte, ok bool, err error) {
	if r.st.closed.Load() {
		return nil, false, errStatementEnded
	}
	return r.encode(key)
}

// looked notes a look-up among the committed rows.
func (r *Reader) looked(enc []byte, found bool) {
	if reads := r.st.reads(); reads != nil {
		reads.point(r.def.ID, enc, found, r.st.view.LSN())
	}
}

// GetRef appends the asked columns of a row to dst and returns its reference.
func (r *Reader) GetRef(ctx context.Context, key types.Row, cols []int, dst types.Row) (types.Row, table.RowRef, error) {
	if err := checkColumns(r.def, cols); err != nil {
		return dst, 0, err
	}
	if r.rows != nil {
		return r.getAtOnce(key, cols, dst)
	}
	ref, err := r.Ref(ctx, key)
	if err != nil {
		return dst, 0, err
	}
	if ref&privateRef != 0 {
		c, at := r.tt.w.at(int32(ref &^ privateRef))
		return c.appendRow(dst, at, cols), ref, nil
	}
	return r.ts.AppendRow(dst, ref, cols), ref, r.st.tx.s.readable()
}

// getAtOnce is GetRef where committed rows are found and read in one go.
func (r *Reader) getAtOnce(key types.Row, cols []int, dst types.Row) (types.Row, table.RowRef, error) {
	enc, ok, err := r.look(key)
	if !ok || err != nil {
		return dst, 0, orNotFound(err)
	}
	w, at := r.tt.w, len(dst)
	if w != nil && !w.empty() {
		if row := w.lookup(0, enc, r.st.sees()); row >= 0 {
			c, i := w.at(row)
			return c.appendRow(dst, i, cols), privateRef | table.RowRef(row), nil
		}
	}
	dst, ref, found := r.rows.GetRow(enc, cols, dst)
	if found && w != nil && w.hides(ref, r.st.sees()) {
		dst, found = dst[:at], false
	}
	r.looked(enc, found)
	if err := r.st.tx.s.readable(); err != nil {
		return dst[:at], 0, err
	}
	if !found {
		return dst, 0, table.ErrNotFound
	}
	return dst, ref, nil
}

// Ref returns the reference of a row.
func (r *Reader) Ref(_ context.Context, key types.Row) (table.RowRef, error) {
	enc, ok, err := r.look(key)
	if !ok || err != nil {
		return 0, orNotFound(err)
	}
	ref, found := r.find(enc)
	if ref&privateRef == 0 {
		r.looked(enc, found)
	}
	if !found {
		if err := r.st.tx.s.readable(); err != nil {
			return 0, err
		}
		return 0, table.ErrNotFound
	}
	return ref, nil
}

func checkColumns(def *table.TableDef, cols []int) error {
	for _, c := range cols {
		if c < 0 || c >= len(def.Columns) {
			return sqlerr.Newf(sqlerr.InternalError, "table \"%s\" has no column %d", def.Name, c)
		}
	}
	return nil
}

// GetBatch reads the rows of several primary keys; the last column says which.
func (r *Reader) GetBatch(ctx context.Context, keys []types.Row, cols []int, dst *vec.Batch) error {
	if len(keys) > vec.Size {
		return sqlerr.Newf(sqlerr.InternalError, "%d keys at once, at most %d are read", len(keys), vec.Size)
	}
	refs := make([]table.RowRef, 0, len(keys))
	at := make([]int64, 0, len(keys))
	for i, key := range keys {
		ref, err := r.Ref(ctx, key)
		if err == table.ErrNotFound {
			continue
		}
		if err != nil {
			return err
		}
		refs, at = append(refs, ref), append(at, int64(i))
	}
	if err := r.Fetch(ctx, refs, cols, dst); err != nil {
		return err
	}
	pos := vec.Vector{Type: types.T(types.Int8), Width: 8, N: len(at), Data: vec.DataOf(at), NullBit: -1}
	dst.Single(len(at), append(dst.Groups[0].Cols, pos), dst.Groups[0].Sel)
	if dst.Groups[0].Sel != nil {
		return sqlerr.New(sqlerr.InternalError, "rows fetched by reference are not in order")
	}
	return nil
}

// Fetch reads rows by reference, in the order of refs.
func (r *Reader) Fetch(_ context.Context, refs []table.RowRef, cols []int, dst *vec.Batch) error {
	if r.st.closed.Load() {
		return errStatementEnded
	}
	if len(refs) > vec.Size {
		return sqlerr.Newf(sqlerr.InternalError, "%d rows at once, at most %d are fetched", len(refs), vec.Size)
	}
	if err := checkColumns(r.def, cols); err != nil {
		return err
	}
	private := 0
	for _, ref := range refs {
		if ref&privateRef == 0 {
			continue
		}
		if r.tt.w.row(ref) < 0 {
			return errNoRow
		}
		private++
	}
	if private == 0 && r.ts != nil {
		return r.committed(refs, cols, dst)
	}
	return r.gather(refs, cols, dst)
}

var errNoRow = sqlerr.New(sqlerr.InternalError, "reference to a row that is not there")

// committed fetches committed rows, some of which may be newer than the View.
func (r *Reader) committed(refs []table.RowRef, cols []int, dst *vec.Batch) error {
	ts := r.ts
	if r.st.newest != nil { // shows all that the View shows, too: no version is freed while that is held
		if now := r.st.tx.committed(r.st.newest.State, r.def); now == nil || ts == nil || now.SameRows(ts) {
			ts = now
		}
	}
	if ts == nil {
		return errNoRow
	}
	return ts.Fetch(refs, cols, dst)
}

// gather fetches rows of which some are the transaction's own.
func (r *Reader) gather(refs []table.RowRef, cols []int, dst *vec.Batch) error {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = r.def.Columns[c].Type
	}
	b := vec.NewBatchBuilder(ts, max(len(refs), 1), nil)
	row := make(types.Row, 0, len(cols))
	for _, ref := range refs {
		row = row[:0]
		if ref&privateRef != 0 {
			own := int32(ref &^ privateRef)
			if invariants.Mutant("store-fetch-first-own-row") {
				own = 0
			}
			c, at := r.tt.w.at(own)
			row = c.appendRow(row, at, cols)
		} else {
			var one vec.Batch
			if err := r.committed([]table.RowRef{ref}, cols, &one); err != nil {
				return err
			}
			row = one.Row(0, row)
		}
		if err := b.AppendRow(row); err != nil {
			return err
		}
	}
	*dst = *b.Batch()
	return nil
}

// Stats returns estimates about the committed rows.
func (r *Reader) Stats(context.Context) (table.Stats, error) {
	if r.st.closed.Load() {
		return table.Stats{}, errStatementEnded
	}
	if r.ts == nil {
		return table.Stats{}, nil
	}
	s := r.ts.Stats()
	if a := r.st.tx.s.analyses.of(r.def.ID); a != nil {
		a.refine(r.def, &s)
	}
	if w := r.tt.w; w != nil {
		s.Rows = max(0, s.Rows+float64(w.inserted-w.deleted))
	}
	return s, nil
}
