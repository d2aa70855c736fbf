package isolation

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
)

// querier runs SQL: on Lamina, or on PostgreSQL.
type querier interface {
	exec(ctx context.Context, sql string, args ...any) (result, error)
	query(ctx context.Context, sql string, args ...any) ([][]string, error)
	close() error
}

// result is what a statement without rows has come to.
type result struct {
	rows int64
	tag  string
}

// laminaConn is a querier on a connection.
type laminaConn struct{ *lamina.Conn }

func (c laminaConn) exec(ctx context.Context, sql string, args ...any) (result, error) {
	r, err := c.Exec(ctx, sql, args...)
	return result{r.RowsAffected, r.Tag}, err
}

func (c laminaConn) query(ctx context.Context, sql string, args ...any) (all [][]string, err error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]string, len(rows.Columns()))
		for i := range row {
			row[i], _ = rows.Text(i)
		}
		all = append(all, row)
	}
	return all, rows.Close()
}

func (c laminaConn) close() error { return c.Close() }

// sqlSession is a client that speaks SQL.
type sqlSession struct {
	q     querier
	level history.Level
	set   bool // the level of transactions of one statement
	open  bool
	once  bool
}

func (s *sqlSession) begin(ctx context.Context, o options) error {
	s.level, s.once = o.level, o.once
	if !s.set {
		if _, err := s.q.exec(ctx, fmt.Sprintf("SET default_transaction_isolation = '%v'", o.level)); err != nil {
			return err
		}
		s.set = true
	}
	if o.once {
		return nil
	}
	s.open = true
	if _, err := s.q.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if o.async {
		_, err := s.q.exec(ctx, "SET LOCAL synchronous_commit = off")
		return err
	}
	return nil
}

// parse reads a list from its text, which has a comma before each value.
func parse(text string) (values []int64, err error) {
	for _, f := range strings.Split(text, ",")[1:] {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// values makes lists of rows with key and value, or key and text.
func (t *listTable) values(rows [][]string) (map[int64][]int64, error) {
	lists := map[int64][]int64{}
	for _, r := range rows {
		key, err := strconv.ParseInt(r[0], 10, 64)
		if err != nil {
			return nil, err
		}
		if !t.rows {
			if _, twice := lists[key]; twice {
				return nil, fmt.Errorf("table %s has key %d twice: %v", t.name, key, rows)
			}
			if lists[key], err = parse(r[1]); err != nil {
				return nil, err
			}
			continue
		}
		v, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if lists[key] = append(lists[key], v); r[2] != fmt.Sprint(len(lists[key])) {
			return nil, fmt.Errorf("table %s, list %d: the value after %v is at position %s", t.name, key, lists[key], r[2])
		}
	}
	return lists, nil
}

func (s *sqlSession) read(ctx context.Context, t *listTable, key int64) ([]int64, error) {
	sql := "SELECT k, v FROM " + t.name + " WHERE k = $1"
	if t.rows {
		sql = "SELECT k, v, pos FROM " + t.name + " WHERE k = $1 ORDER BY pos"
	}
	rows, err := s.q.query(ctx, sql, key)
	if err != nil {
		return nil, err
	}
	lists, err := t.values(rows)
	return lists[key], err
}

func (s *sqlSession) scan(ctx context.Context, t *listTable) (map[int64][]int64, error) {
	sql := "SELECT k, v FROM " + t.name
	if t.rows {
		sql = "SELECT k, v, pos FROM " + t.name + " ORDER BY k, pos"
	}
	rows, err := s.q.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return t.values(rows)
}

func (s *sqlSession) append(ctx context.Context, t *listTable, key, value int64, way int) (read []int64, has bool, err error) {
	if t.rows {
		_, err := s.q.exec(ctx, "INSERT INTO "+t.name+" SELECT $1::int8, coalesce(max(pos), 0) + 1, $2::int8 FROM "+t.name+" WHERE k = $1::int8", key, value)
		return nil, false, err
	}
	text := fmt.Sprint(",", value)
	if way == 2 {
		return s.rewrite(ctx, t, key, text)
	}
	const update, insert = "UPDATE %s SET v = v || $2 WHERE k = $1", "INSERT INTO %s VALUES ($1, $2) ON CONFLICT DO NOTHING"
	for _, sql := range []string{update, insert, update} {
		if r, err := s.q.exec(ctx, fmt.Sprintf(sql, t.name), key, text); err != nil || r.rows > 0 {
			return nil, false, err
		}
		if s.once {
			break
		}
	}
	return nil, false, errGone // deleted by another transaction
}

// rewrite reads a list and then writes it with one more value: lost if anybody else writes in between. Under READ
// COMMITTED a lock prevents that; above, the database does.
func (s *sqlSession) rewrite(ctx context.Context, t *listTable, key int64, text string) (read []int64, has bool, err error) {
	sql := "SELECT k, v FROM " + t.name + " WHERE k = $1"
	if s.level == history.ReadCommitted {
		sql += " FOR UPDATE"
	}
	rows, err := s.q.query(ctx, sql, key)
	if err != nil {
		return nil, false, err
	}
	lists, err := t.values(rows)
	if err != nil {
		return nil, false, err
	}
	if len(rows) == 0 {
		_, err = s.q.exec(ctx, "INSERT INTO "+t.name+" VALUES ($1, $2)", key, text)
		return nil, s.level > history.ReadCommitted, err
	}
	_, err = s.q.exec(ctx, "UPDATE "+t.name+" SET v = $2 WHERE k = $1", key, rows[0][1]+text)
	return lists[key], true, err
}

// renamed is added to the key of a list that has another one for a while.
const renamed = 1 << 40

func (s *sqlSession) churn(ctx context.Context, t *listTable, key int64, way int) error {
	switch way {
	case 0: // delete rows and insert them again
		cols := "k, v"
		where := " WHERE k = $1"
		if t.rows {
			cols = "k, pos, v"
			where = " WHERE k = $1 AND pos = (SELECT max(pos) FROM " + t.name + " WHERE k = $1)"
		}
		rows, err := s.q.query(ctx, "DELETE FROM "+t.name+where+" RETURNING "+cols, key)
		for i := 0; err == nil && i < len(rows); i++ {
			_, err = s.q.exec(ctx, "INSERT INTO "+t.name+" VALUES ('"+strings.Join(rows[i], "', '")+"')")
		}
		return err
	case 1: // give it another key and back
		_, err := s.q.exec(ctx, "UPDATE "+t.name+" SET k = k + $2 WHERE k = $1", key, int64(renamed))
		if err == nil {
			_, err = s.q.exec(ctx, "UPDATE "+t.name+" SET k = k - $2::int8 WHERE k = $1::int8 + $2::int8", key, int64(renamed))
		}
		return err
	}
	_, err := s.q.query(ctx, "SELECT k FROM "+t.name+" WHERE k = $1 FOR KEY SHARE", key)
	return err
}

func (s *sqlSession) undone(ctx context.Context, t *listTable, key, value int64) error {
	if _, err := s.q.exec(ctx, "SAVEPOINT a"); err != nil {
		return err
	}
	if _, _, err := s.append(ctx, t, key, value, 0); err != nil {
		return err
	}
	if _, err := s.read(ctx, t, key); err != nil {
		return err
	}
	_, err := s.q.exec(ctx, "ROLLBACK TO a")
	return err
}

func (s *sqlSession) commit(ctx context.Context) error {
	_, err := s.q.exec(ctx, "COMMIT")
	s.open = err != nil
	return err
}

func (s *sqlSession) rollback() error {
	if !s.open {
		return nil
	}
	s.open = false
	_, err := s.q.exec(context.Background(), "ROLLBACK")
	return err
}

func (s *sqlSession) close() error { return s.q.close() }
