package isolation

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"

	"github.com/laminadb/lamina/internal/history"
)

var postgres = flag.String("postgres", "", "postgres://… of a PostgreSQL 18 server, for the tests that run on it")

// pgConn is a querier on a connection to PostgreSQL.
type pgConn struct{ *pgx.Conn }

func (c pgConn) exec(ctx context.Context, sql string, args ...any) (result, error) {
	tag, err := c.Exec(ctx, sql, args...)
	return result{tag.RowsAffected(), tag.String()}, err
}

func (c pgConn) query(ctx context.Context, sql string, args ...any) (all [][]string, err error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]string, len(rows.RawValues()))
		for i, v := range rows.RawValues() {
			row[i] = string(v)
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func (c pgConn) close() error { return c.Close(context.Background()) }

// pgServer is a database of its own on a server, which is dropped at the end.
type pgServer struct {
	url  string
	name string
	own  *pgx.Conn // that looks at locks
}

func newPGServer(t *testing.T, name string) *pgServer {
	t.Helper()
	admin, err := pgx.Connect(ctx(), *postgres)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name, "ALTER DATABASE " + name + " SET deadlock_timeout = '2ms'",
	} {
		if _, err := admin.Exec(ctx(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s := &pgServer{url: *postgres, name: name}
	t.Cleanup(func() {
		if s.own != nil {
			_ = s.own.Close(ctx()) // it has only read
		}
		_, err := admin.Exec(ctx(), "DROP DATABASE "+name+" WITH (FORCE)")
		if err = errors.Join(err, admin.Close(ctx())); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *pgServer) connect(ctx context.Context) (querier, error) {
	o, err := pgx.ParseConfig(s.url)
	if err != nil {
		return nil, err
	}
	o.Database, o.DefaultQueryExecMode = s.name, pgx.QueryExecModeSimpleProtocol
	c, err := pgx.ConnectConfig(ctx, o)
	return pgConn{c}, err
}

func (s *pgServer) waiting(ctx context.Context) (n int, err error) {
	if s.own == nil {
		q, err := s.connect(ctx)
		if err != nil {
			return 0, err
		}
		s.own = q.(pgConn).Conn
	}
	err = s.own.QueryRow(ctx, `SELECT count(DISTINCT pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE NOT granted AND a.datname = current_database()`).Scan(&n)
	return n, err
}

// TestOnPostgres runs on PostgreSQL what the other tests run on Lamina.
func TestOnPostgres(t *testing.T) {
	if *postgres == "" {
		t.Skip("needs PostgreSQL: -postgres names a server")
	}
	t.Run("anomalies", anomaliesOnPostgres)
	t.Run("foreign keys", foreignOnPostgres)
	t.Run("schema", schemaOnPostgres)
	t.Run("histories", historiesOnPostgres)
}

// anomaliesOnPostgres compares the answers in testdata with those of PostgreSQL.
func anomaliesOnPostgres(t *testing.T) {
	s := newPGServer(t, "isolation_anomalies")
	eachSchedule(t, func(t *testing.T, d *datadriven.TestData, steps []step, permit []history.Level) string {
		if d.HasArg("victim") {
			return d.Expected // it depends on time
		}
		var first string
		for _, g := range []stage{{"one table", "heap", ""}, {"two tables", "heap", "heap"}} {
			got, seen, err := play(ctx(), s, g, allLevels, steps)
			if err != nil {
				d.Fatalf(t, "%s: %v", g.name, err)
			}
			if !slices.Equal(seen, permit) {
				d.Fatalf(t, "%s: the anomaly is seen under %v, permitted under %v:\n%s", g.name, seen, permit, got)
			}
			first = got
		}
		return first
	})
}

// historiesOnPostgres runs the clients of TestHistories on PostgreSQL: the checker must find there what PostgreSQL is
// known to permit, and nothing else.
func historiesOnPostgres(t *testing.T) {
	s := newPGServer(t, "isolation_histories")
	for _, level := range allLevels {
		t.Run(level.String(), func(t *testing.T) {
			total := sum{seen: map[history.Anomaly]int{}}
			for i := range max(4, *seeds) {
				r := newRun(places[0], level, nil, *seed+uint64(i), false)
				r.patient = true // a canceled context ends the connection
				if err := r.onPostgres(s, fmt.Sprintf("_%d_%d", level, i)); err != nil {
					t.Fatal(err)
				}
				r.check(t, &total)
			}
			total.demand(t)
			switch level {
			case history.ReadCommitted:
				total.demandSeen(t, history.GSingle, history.LostUpdate)
			case history.RepeatableRead:
				total.demandSeen(t, history.G2Item)
			}
		})
	}
}

// onPostgres runs the clients of a run on tables of their own.
func (r *run) onPostgres(s *pgServer, suffix string) error {
	q, err := s.connect(ctx())
	if err != nil {
		return err
	}
	defer q.close() //nolint:errcheck // nothing is open in it
	for _, t := range r.tables {
		t.name += suffix
		if _, err := q.exec(ctx(), "CREATE TABLE "+t.name+" ("+t.columns()+")"); err != nil {
			return err
		}
	}
	connect := func() (session, error) {
		q, err := s.connect(ctx())
		return &sqlSession{q: q}, err
	}
	errs := make([]error, r.clients)
	var wg sync.WaitGroup
	for i := range r.clients {
		c := &client{run: r, rng: rand.New(rand.NewPCG(r.rng.Uint64(), uint64(i))), process: i}
		wg.Go(func() { errs[i] = c.work(connect, nil, r.txs) })
	}
	wg.Wait()
	return errors.Join(append(errs, r.readAll(connect))...)
}
