package isolation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// family is clients that insert, change and delete rows of tables that reference each other, at all levels at once, while
// another one looks for rows that reference nothing.
type family struct {
	run
	mu      sync.Mutex
	done    map[string]int // statements that committed, by their kinds
	refused map[sqlerr.Code]int
	commits int
	sights  int // looks for orphans
	rows    int // that were seen then
	nextRow int
	clauses [2]string
}

// familyKeys is how many keys there are: few, so that clients meet.
const familyKeys = 8

// orphanQueries find rows that reference nothing.
var orphanQueries = []string{
	"SELECT id FROM c WHERE p IS NOT NULL AND NOT EXISTS (SELECT FROM p WHERE p.id = c.p)",
	"SELECT id FROM c WHERE u IS NOT NULL AND NOT EXISTS (SELECT FROM p WHERE p.u = c.u)",
	"SELECT id FROM c WHERE up IS NOT NULL AND NOT EXISTS (SELECT FROM c AS o WHERE o.id = c.up)",
	"SELECT id FROM d WHERE c IS NOT NULL AND NOT EXISTS (SELECT FROM c WHERE c.id = d.c)",
}

// createTables makes the tables.
func (f *family) createTables(db *lamina.DB) error {
	for _, sql := range []string{
		"CREATE TABLE p (id int4 PRIMARY KEY, u int4 UNIQUE, v int4)",
		"CREATE TABLE c (id int4 PRIMARY KEY, p int8 REFERENCES p " + f.clauses[0] + ", u int4 REFERENCES p (u) " + f.clauses[1] +
			", up int4 REFERENCES c ON DELETE CASCADE)",
		"CREATE TABLE d (id int4 PRIMARY KEY, c int4 REFERENCES c DEFERRABLE INITIALLY DEFERRED)",
	} {
		if _, err := db.Exec(ctx(), sql); err != nil {
			return err
		}
	}
	return nil
}

// statement returns a random statement and its kind.
func (f *family) statement(rng *rand.Rand) (kind, sql string) {
	k, l := rng.IntN(familyKeys), rng.IntN(familyKeys)
	f.mu.Lock()
	f.nextRow++
	id := f.nextRow
	f.mu.Unlock()
	some := fmt.Sprintf("(SELECT min(id) FROM c WHERE id > %d)", rng.IntN(id+1))
	switch rng.IntN(13) {
	case 0, 1:
		return "insert parent", fmt.Sprintf("INSERT INTO p VALUES (%d, %d, 0) ON CONFLICT DO NOTHING", k, 100+l)
	case 2:
		return "delete parent", fmt.Sprintf("DELETE FROM p WHERE id = %d", k)
	case 3:
		return "change key", fmt.Sprintf("UPDATE p SET id = %d WHERE id = %d", l, k)
	case 4:
		return "change unique key", fmt.Sprintf("UPDATE p SET u = %d WHERE id = %d", 100+l, k)
	case 5:
		return "change parent", fmt.Sprintf("UPDATE p SET v = v + 1 WHERE id = %d", k)
	case 6, 7:
		return "insert child", fmt.Sprintf("INSERT INTO c VALUES (%d, %d, NULL, NULL)", id, k)
	case 8:
		return "insert child by unique key", fmt.Sprintf("INSERT INTO c VALUES (%d, NULL, %d, %s)", id, 100+k, some)
	case 9:
		return "change child", fmt.Sprintf("UPDATE c SET p = %d, up = id WHERE id = %s", k, some)
	case 10:
		return "delete child", fmt.Sprintf("DELETE FROM c WHERE id = %s", some)
	case 11:
		return "insert grandchild", fmt.Sprintf("INSERT INTO d VALUES (%d, %s)", id, some)
	}
	return "delete children", fmt.Sprintf("DELETE FROM c WHERE id < %d", id-200)
}

// client runs transactions of a few statements.
func (f *family) client(db *lamina.DB, rng *rand.Rand) error {
	c, err := db.Conn(ctx())
	if err != nil {
		return err
	}
	q := laminaConn{c}
	for range f.txs {
		if err := f.transaction(q, rng); err != nil {
			return errors.Join(err, q.close())
		}
	}
	return q.close()
}

func (f *family) transaction(q querier, rng *rand.Rand) error {
	level := allLevels[rng.IntN(len(allLevels))]
	if _, err := q.exec(ctx(), fmt.Sprintf("BEGIN ISOLATION LEVEL %v", level)); err != nil {
		return err
	}
	var kinds []string
	saved := 0
	for i := range 1 + rng.IntN(4) {
		if i > 0 && rng.IntN(4) == 0 {
			if _, err := q.exec(ctx(), "SAVEPOINT a"); err != nil {
				return err
			}
			saved = len(kinds)
		}
		kind, sql := f.statement(rng)
		r, err := q.exec(ctx(), sql)
		if err != nil {
			return f.refuse(q, err)
		}
		if r.rows > 0 {
			kinds = append(kinds, kind)
		}
		if saved > 0 && rng.IntN(3) == 0 {
			if _, err := q.exec(ctx(), "ROLLBACK TO a"); err != nil {
				return err
			}
			kinds = kinds[:saved]
		}
		if rng.IntN(3) == 0 {
			pause()
		}
	}
	if _, err := q.exec(ctx(), "COMMIT"); err != nil {
		return f.refuse(q, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits++
	for _, k := range kinds {
		f.done[k]++
	}
	return nil
}

// refuse counts an error that a client has to expect, and ends its transaction.
func (f *family) refuse(q querier, err error) error {
	code := codeOf(err)
	switch code {
	case sqlerr.ForeignKeyViolation, sqlerr.RestrictViolation, sqlerr.UniqueViolation, sqlerr.SerializationFailure, sqlerr.DeadlockDetected:
	default:
		return err
	}
	f.mu.Lock()
	f.refused[code]++
	f.mu.Unlock()
	_, err = q.exec(ctx(), "ROLLBACK")
	return err
}

// look looks for rows that reference nothing, in one snapshot.
func (f *family) look(q querier) error {
	if _, err := q.exec(ctx(), "BEGIN ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return err
	}
	for _, sql := range orphanQueries {
		rows, err := q.query(ctx(), sql)
		if err == nil && len(rows) > 0 {
			err = fmt.Errorf("%v: rows that reference nothing: %s", rows, sql)
		}
		if err != nil {
			return err
		}
	}
	rows, err := q.query(ctx(), "SELECT id FROM c")
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.sights++
	f.rows += len(rows)
	f.mu.Unlock()
	_, err = q.exec(ctx(), "COMMIT")
	return err
}

// stage runs the clients once, up to a power loss or the end, and looks.
func (f *family) stage(lose, first bool) error {
	db, err := f.open()
	if err != nil {
		return err
	}
	if first {
		err = f.createTables(db)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	watcher, err := db.Conn(ctx())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if err := f.look(laminaConn{watcher}); err != nil { // what the power loss has left
		return errors.Join(err, watcher.Close(), db.Close())
	}
	var image *waltest.CrashFS
	if lose {
		f.arm(func(fs *waltest.CrashFS) { image = fs })
	}
	errs := make([]error, f.clients)
	var wg sync.WaitGroup
	for i := range f.clients {
		rng := rand.New(rand.NewPCG(f.rng.Uint64(), uint64(i)))
		wg.Go(func() { errs[i] = f.client(db, rng) })
	}
	var seen []error
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	for open := true; open; {
		seen = append(seen, f.look(laminaConn{watcher}))
		if lose && f.sights%4 == 0 {
			seen = append(seen, db.Checkpoint(ctx()))
		}
		select {
		case <-ended:
			open = false
		default:
			pause()
		}
	}
	errs = append(append(errs, seen...), f.look(laminaConn{watcher}), watcher.Close())
	var damage error
	err = db.Verify(ctx(), func(d table.Damage) bool {
		damage = d.Err
		return false
	})
	errs = append(errs, err, damage)
	if lose && image == nil {
		image = f.lose()
	}
	err = errors.Join(append(errs, db.Close())...)
	if image != nil {
		f.fs.SetHook(nil)
		f.fs = image
		f.losses++
	}
	return err
}

// TestNoOrphans: whatever clients do to tables that reference each other, at whatever level, and whenever the power goes,
// nobody ever sees a row that references nothing.
func TestNoOrphans(t *testing.T) {
	rounds := max(6, *seeds)
	if testing.Short() {
		rounds = max(3, *seeds)
	}
	actions := []string{"NO ACTION", "CASCADE", "SET NULL", "RESTRICT"}
	for _, method := range []string{"memory", "columnar"} {
		t.Run(method, func(t *testing.T) {
			f := &family{done: map[string]int{}, refused: map[sqlerr.Code]int{}}
			for round := range rounds {
				rng := rand.New(rand.NewPCG(*seed+uint64(round), 12))
				f.run = run{rec: &recorder{}, rng: rng, txs: 60, clients: 6}
				for i := range f.clauses {
					f.clauses[i] = "ON DELETE " + actions[rng.IntN(len(actions))] + " ON UPDATE " + actions[rng.IntN(len(actions))]
				}
				if method == "columnar" {
					f.fs = waltest.NewCrashFS()
				}
				stages := 1
				if f.fs != nil {
					stages = 3
				}
				for i := range stages {
					if err := f.stage(i < stages-1, i == 0); err != nil {
						t.Fatalf("seed %d, stage %d, %v: %v", *seed+uint64(round), i, f.clauses, err)
					}
				}
			}
			f.demand(t, rounds)
		})
	}
}

// demand fails if too little of what the test is about has happened.
func (f *family) demand(t *testing.T, rounds int) {
	t.Logf("%d commits, %d looks at %d rows, done %v, refused %v", f.commits, f.sights, f.rows, f.done, f.refused)
	if f.commits < 60*rounds || f.sights < 3*rounds || f.rows < 20*rounds {
		t.Errorf("%d commits, %d looks at %d rows", f.commits, f.sights, f.rows)
	}
	for _, code := range []sqlerr.Code{sqlerr.ForeignKeyViolation, sqlerr.RestrictViolation, sqlerr.SerializationFailure} {
		if f.refused[code] < rounds {
			t.Errorf("%d were refused by %s", f.refused[code], code)
		}
	}
	kinds := []string{"insert parent", "delete parent", "change key", "change unique key", "insert child", "insert child by unique key",
		"change child", "delete child", "insert grandchild"}
	for _, k := range kinds {
		if f.done[k] < rounds {
			t.Errorf("%s: done %d times", k, f.done[k])
		}
	}
}
