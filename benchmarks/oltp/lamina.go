package oltp

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// payload is the text of a row.
const payload = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"

// getText reads a row by its key.
const getText = "SELECT id, a, b, c FROM t WHERE id = $1"

func checkRow(want, id int64, c string) error {
	if id != want || c != payload {
		return fmt.Errorf("row %d: read %d, %q", want, id, c)
	}
	return nil
}

// check demands that a row is that of a key.
func (l *laminaDB) check(want int64, r types.Row) error {
	if l.texts == nil {
		return checkRow(want, r[0].I, r[3].S)
	}
	if r[0].I != want || r[3].S != l.texts[want] {
		return fmt.Errorf("row %d: read %d, %q", want, r[0].I, r[3].S)
	}
	return nil
}

// laminaDB is a Lamina database in a directory, with a prepared statement for each client.
type laminaDB struct {
	db            *lamina.DB
	inserts       []*lamina.Stmt
	get           *lamina.Stmt
	std           *std
	conn          *lamina.Conn // of the updates
	update        *lamina.ConnStmt
	def           *table.TableDef
	row           types.Row
	gotBack       string
	held          table.Tx // of the gets at one snapshot
	heldStatement table.Statement
	heldReader    table.Reader
	allColumns    []int
	// texts are those of the rows by key, if each row has its own.
	texts []string
}

func openLamina(ctx context.Context, dir string, clients int, rows int64) (l *laminaDB, err error) {
	l = &laminaDB{allColumns: []int{0, 1, 2, 3}}
	if l.db, err = lamina.Open(filepath.Join(dir, "lamina"), nil); err != nil {
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
	if err = l.ready(ctx, clients); err != nil {
		return nil, err
	}
	return l, l.readBack(ctx)
}

// ready prepares statements and finds the definition.
func (l *laminaDB) ready(ctx context.Context, clients int) (err error) {
	if err = l.prepare(ctx, clients); err != nil {
		return err
	}
	if err = l.hold(ctx); err != nil {
		return err
	}
	return l.release()
}

// fill creates the table, with what follows its columns, and its rows.
func (l *laminaDB) fill(ctx context.Context, rows int64, with string) error {
	if _, err := l.db.Exec(ctx, "CREATE TABLE t (id int8 PRIMARY KEY, a int8, b float8, c text)"+with); err != nil {
		return err
	}
	app, err := l.db.Appender(ctx, "t")
	if err != nil {
		return err
	}
	for id := int64(1); id <= rows; id++ {
		text := payload
		if l.texts != nil {
			text = l.texts[id]
		}
		if err := app.AppendRow(ctx, id, id, 0.5, text); err != nil {
			return err
		}
	}
	return app.Close(ctx)
}

func (l *laminaDB) prepare(ctx context.Context, clients int) (err error) {
	for range clients {
		st, err := l.db.Prepare(ctx, "INSERT INTO t VALUES ($1, $2, $3, $4)")
		if err != nil {
			return err
		}
		l.inserts = append(l.inserts, st)
	}
	if l.get, err = l.db.Prepare(ctx, getText); err != nil {
		return err
	}
	if l.std, err = openStd(ctx, l.db); err != nil {
		return err
	}
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return err
	}
	l.update, err = l.conn.Prepare(ctx, "UPDATE t SET a = a + 1 WHERE id = $1")
	return err
}

// hold opens a snapshot for the gets; what is held keeps old row versions, so only their rounds
// hold one.
func (l *laminaDB) hold(ctx context.Context) (err error) {
	o := table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead}
	if l.held, err = l.db.Storage().Begin(ctx, o); err != nil {
		return err
	}
	if l.def, err = query.FindTable(l.held.Schema(), "t"); err != nil {
		return err
	}
	if l.heldStatement, err = l.held.Statement(ctx); err != nil {
		return err
	}
	l.heldReader, err = l.heldStatement.Reader(ctx, l.def.ID)
	return err
}

func (l *laminaDB) release() error {
	var errs []error
	if l.heldStatement != nil {
		errs = append(errs, l.heldStatement.Close(nil))
		l.heldStatement = nil
	}
	if l.held != nil {
		errs = append(errs, l.held.Rollback())
		l.held = nil
	}
	return errors.Join(errs...)
}

func (l *laminaDB) readBack(ctx context.Context) error {
	rows, err := l.db.Query(ctx, "SHOW synchronous_commit")
	if err != nil {
		return err
	}
	for rows.Next() {
		value, _ := rows.Text(0)
		l.gotBack = "Lamina: synchronous_commit=" + value + ", tier " + l.def.Method
		if value != "on" {
			err = fmt.Errorf("lamina: synchronous_commit is %s", value)
		}
	}
	return errors.Join(err, rows.Close())
}

func (l *laminaDB) insertOne(ctx context.Context, client int, id int64) error {
	r, err := l.inserts[client].Exec(ctx, id, id, 0.5, payload)
	if err == nil && r.RowsAffected != 1 {
		err = fmt.Errorf("%d rows inserted, want 1", r.RowsAffected)
	}
	return err
}

func (l *laminaDB) getSQL(ctx context.Context, id int64) error {
	rows, err := l.get.Query(ctx, id)
	return l.checkRows(id, rows, err)
}

// getText reads a row without a prepared statement, getLiteral with the key in the text.
func (l *laminaDB) getText(ctx context.Context, id int64) error {
	rows, err := l.conn.Query(ctx, getText, id)
	return l.checkRows(id, rows, err)
}

func (l *laminaDB) getLiteral(ctx context.Context, id int64) error {
	rows, err := l.conn.Query(ctx, literalText(id))
	return l.checkRows(id, rows, err)
}

// checkRows demands that a query has the row of a key.
func (l *laminaDB) checkRows(id int64, rows *lamina.Rows, err error) error {
	if err != nil {
		return err
	}
	n := 0
	for rows.Next() {
		n++
		if err := l.check(id, rows.Row()); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("key %d: %d rows", id, n)
	}
	return nil
}

// getHeld reads a row at the snapshot that is held.
func (l *laminaDB) getHeld(ctx context.Context, id int64) (err error) {
	key := [1]types.Datum{types.NewInt(types.Int8, id)}
	if l.row, err = l.heldReader.Get(ctx, key[:], l.allColumns, l.row[:0]); err != nil {
		return err
	}
	return l.check(id, l.row)
}

// getFresh reads a row at a snapshot of its own.
func (l *laminaDB) getFresh(ctx context.Context, id int64) error {
	tx, err := l.db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return err
	}
	r, err := stmt.Reader(ctx, l.def.ID)
	if err == nil {
		key := [1]types.Datum{types.NewInt(types.Int8, id)}
		l.row, err = r.Get(ctx, key[:], l.allColumns, l.row[:0])
	}
	if err = stmt.Close(err); err != nil {
		return err
	}
	return l.check(id, l.row)
}

// updateMany updates rows by key in one durable transaction.
func (l *laminaDB) updateMany(ctx context.Context, ids []int64) error {
	if _, err := l.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, id := range ids {
		r, err := l.update.Exec(ctx, id)
		if err == nil && r.RowsAffected != 1 {
			err = fmt.Errorf("%d rows updated, want 1", r.RowsAffected)
		}
		if err != nil {
			_, rerr := l.conn.Exec(ctx, "ROLLBACK")
			return errors.Join(err, rerr)
		}
	}
	_, err := l.conn.Exec(ctx, "COMMIT")
	return err
}

// counts reads the database's own counters.
func (l *laminaDB) counts() Counts {
	m := l.db.Metrics()
	return Counts{Commits: m.Commits, Groups: m.Groups, Syncs: m.LogSyncs}
}

func (l *laminaDB) close() error {
	errs := []error{l.release()}
	for _, st := range l.inserts {
		errs = append(errs, st.Close())
	}
	if l.get != nil {
		errs = append(errs, l.get.Close())
	}
	if l.std != nil {
		errs = append(errs, l.std.close())
	}
	if l.conn != nil {
		errs = append(errs, l.conn.Close())
	}
	return errors.Join(append(errs, l.db.Close())...)
}
