package isolation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal/waltest"
)

// The values of a unique column are a set, to which clients do things by whatever primary keys the rows have.
type setVerb uint8

const (
	setAdd   setVerb = iota // inserts a row with the value; refused if there is one
	setDrop                 // deletes the row with the value
	setMove                 // gives the row with the value another value; refused if there is one
	setRekey                // gives the row with the value another primary key
	setTouch                // updates another column of the row with the value
	setHas                  // looks the value up
	setShare                // locks the row with the value FOR KEY SHARE, and looks it up again
	setAll                  // scans all values
	numSetVerbs
)

var setVerbNames = [numSetVerbs]string{"add", "drop", "move", "rekey", "touch", "has", "share", "all"}

const setValues = 6

type setCall struct {
	verb  setVerb
	value int
	other int // of setMove
}

// setReply is what a client is told: how many rows, whether a value was in the way, and the values of a scan as bits.
type setReply struct {
	rows    int
	refused bool
	all     uint
}

// uniqueSet is the model: the state is the set of values, as bits.
var uniqueSet = porcupine.Model{
	Init: func() any { return uint(0) },
	Step: func(state, input, output any) (bool, any) {
		want, next := setStep(state.(uint), input.(setCall))
		return output.(setReply) == want, next
	},
	DescribeOperation: func(input, output any) string {
		c := input.(setCall)
		return fmt.Sprintf("%s %d %d: %+v", setVerbNames[c.verb], c.value, c.other, output)
	},
}

func setStep(s uint, c setCall) (r setReply, next uint) {
	bit, other := uint(1)<<c.value, uint(1)<<c.other
	there := s&bit != 0
	switch c.verb {
	case setAdd:
		if r.refused = there; !there {
			return setReply{rows: 1}, s | bit
		}
	case setAll:
		r.all = s
	case setMove:
		switch {
		case there && s&other != 0 && c.value != c.other:
			r.refused = true
		case there:
			return setReply{rows: 1}, s&^bit | other
		}
	default:
		if there {
			r.rows = 1
		}
		if c.verb == setDrop {
			s &^= bit
		}
	}
	return r, s
}

// setSQL is the statement of a verb; its arguments are the value, and the other value or a new primary key.
var setSQL = [numSetVerbs]string{
	setAdd:   "INSERT INTO s VALUES ($2, $1, 0)",
	setDrop:  "DELETE FROM s WHERE u = $1",
	setMove:  "UPDATE s SET u = $2 WHERE u = $1",
	setRekey: "UPDATE s SET id = $2 WHERE u = $1",
	setTouch: "UPDATE s SET v = v + 1 WHERE u = $1",
	setHas:   "SELECT id, u FROM s WHERE u = $1",
	setShare: "SELECT id, u FROM s WHERE u = $1 FOR KEY SHARE",
	setAll:   "SELECT id, u FROM s",
}

// setRun is a run of clients on a set.
type setRun struct {
	run
	mu     sync.Mutex
	ops    []porcupine.Operation
	counts [numSetVerbs][2]int // by verb: nothing done, done
	lost   int                 // operations that gave way to others
	ids    int64
}

func (r *setRun) id() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids++
	return r.ids
}

// do performs an operation.
func (r *setRun) do(ctx context.Context, q querier, c setCall) (out setReply, err error) {
	switch c.verb {
	case setAll, setHas:
		var rows [][]string
		if c.verb == setAll {
			rows, err = q.query(ctx, setSQL[c.verb])
		} else {
			rows, err = q.query(ctx, setSQL[c.verb], c.value)
		}
		return c.reply(rows, err)
	case setShare:
		return r.share(ctx, q, c)
	}
	args := []any{c.value}
	switch c.verb {
	case setAdd, setRekey:
		args = append(args, r.id())
	case setMove:
		args = append(args, c.other)
	}
	res, err := q.exec(ctx, setSQL[c.verb], args...)
	if sqlerr.CodeOf(err) == sqlerr.UniqueViolation {
		return setReply{refused: true}, nil
	}
	return setReply{rows: int(res.rows)}, err
}

// reply makes a reply of rows.
func (c setCall) reply(rows [][]string, err error) (out setReply, _ error) {
	if err != nil {
		return out, err
	}
	for _, row := range rows {
		var v int
		if _, err := fmt.Sscan(row[1], &v); err != nil {
			return out, err
		}
		if out.all&(1<<v) != 0 {
			return out, fmt.Errorf("two rows have the value %d: %v", v, rows)
		}
		out.all |= 1 << v
	}
	if c.verb != setAll {
		out.rows, out.all = len(rows), 0
	}
	return out, nil
}

// share locks a row so that its keys cannot change, and looks it up until the end of the transaction: it must stay.
func (r *setRun) share(ctx context.Context, q querier, c setCall) (out setReply, err error) {
	if _, err := q.exec(ctx, "BEGIN"); err != nil {
		return out, err
	}
	locked, err := q.query(ctx, setSQL[setShare], c.value)
	for range 3 {
		if err != nil || len(locked) == 0 {
			break
		}
		r.pause()
		var again [][]string
		if again, err = q.query(ctx, setSQL[setHas], c.value); err == nil && (len(again) != 1 || again[0][0] != locked[0][0]) {
			err = fmt.Errorf("row %v was locked FOR KEY SHARE, and became %v", locked, again)
		}
	}
	if err != nil {
		_, rerr := q.exec(ctx, "ROLLBACK")
		return out, errors.Join(err, rerr)
	}
	if _, err := q.exec(ctx, "COMMIT"); err != nil {
		return out, err
	}
	return c.reply(locked, nil)
}

// client performs operations in a session.
func (r *setRun) client(db *lamina.DB, id int, rng *rand.Rand) error {
	conn, err := db.Conn(ctx())
	if err != nil {
		return err
	}
	q := laminaConn{conn}
	defer q.close()          //nolint:errcheck // nothing is open in it
	level := allLevels[id%2] // some under READ COMMITTED, some under REPEATABLE READ
	if _, err := q.exec(ctx(), fmt.Sprintf("SET default_transaction_isolation = '%v'", level)); err != nil {
		return err
	}
	for range r.txs {
		c := setCall{setVerb(rng.IntN(int(numSetVerbs))), rng.IntN(setValues), rng.IntN(setValues)}
		x := r.rec.begin(id, 0)
		_ = x.ask() // the power is not lost here
		out, err := r.do(ctx(), q, c)
		o, unexpected := outcome(err)
		if x.end(o); unexpected != nil {
			return fmt.Errorf("%s %d, %d: %w", setVerbNames[c.verb], c.value, c.other, unexpected)
		}
		r.note(x, c, out)
		r.pause()
	}
	return nil
}

func (r *setRun) note(x *record, c setCall, out setReply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x.tx.Outcome != history.Committed {
		r.lost++
		return
	}
	done := 0
	if out.rows > 0 || out.all != 0 {
		done = 1
	}
	r.counts[c.verb][done]++
	r.ops = append(r.ops, porcupine.Operation{ClientId: x.tx.Process, Input: c, Call: x.tx.Begin, Output: out, Return: x.tx.End})
}

// TestUniqueValues: what clients do to the rows with the values of a unique column, whose primary keys change and that
// come and go, is linearizable; nobody finds a value twice, and a row that is locked FOR KEY SHARE keeps its keys.
func TestUniqueValues(t *testing.T) {
	rounds := max(12, *seeds)
	if testing.Short() {
		rounds = max(6, *seeds)
	}
	for _, method := range []string{"memory", "columnar", "lsm"} {
		t.Run(method, func(t *testing.T) {
			var counts [numSetVerbs][2]int
			lost := 0
			for round := range uint64(rounds) {
				r := &setRun{run: run{rec: &recorder{}, rng: rand.New(rand.NewPCG(*seed+round, 11)), txs: 40, clients: 8, asleep: int(round % 4)}}
				if method != "memory" {
					r.fs = waltest.NewCrashFS()
				}
				if err := r.work(method); err != nil {
					t.Fatalf("seed %d: %v", *seed+round, err)
				}
				if !porcupine.CheckOperations(uniqueSet, r.ops) {
					t.Fatalf("seed %d: the history is not linearizable", *seed+round)
				}
				for v, n := range r.counts {
					counts[v][0], counts[v][1] = counts[v][0]+n[0], counts[v][1]+n[1]
				}
				lost += r.lost
			}
			t.Log("in vain and done:", counts, "gave way:", lost)
			for v, n := range counts {
				if n[1] < 5*rounds/3 || n[0] < rounds && setVerb(v) != setAll {
					t.Errorf("%s: %d in vain, %d done", setVerbNames[v], n[0], n[1])
				}
			}
			if lost == 0 {
				t.Error("nobody was in the way of anybody")
			}
		})
	}
}

// work runs the clients on a table in a tier.
func (r *setRun) work(method string) error {
	db, err := r.open()
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx(), "CREATE TABLE s (id int8 PRIMARY KEY, u int8 UNIQUE, v int8) USING "+method); err != nil {
		return errors.Join(err, db.Close())
	}
	errs := make([]error, r.clients)
	var wg sync.WaitGroup
	for i := range r.clients {
		rng := rand.New(rand.NewPCG(r.rng.Uint64(), uint64(i)))
		wg.Go(func() { errs[i] = r.client(db, i, rng) })
	}
	wg.Wait()
	return errors.Join(append(errs, db.Close())...)
}
