package isolation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/history"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// verb is an operation on a register: a row with a key, or none.
type verb uint8

const (
	regGet    verb = iota // the value, if there is one
	regPut                // sets the value
	regInsert             // sets the value unless there is one; tells whether it did
	regRemove             // tells whether there was a value
	regCAS                // sets the value if it was old; tells whether it was
	numVerbs
)

// call is what a client asks, and reply what it is told.
type (
	call struct {
		verb       verb
		key        int64
		old, value int64
	}
	reply struct {
		known bool // false: it was not answered
		ok    bool
		value int64
	}
	// register is the state of a key; the zero value is that it is not there.
	register struct {
		there bool
		value int64
	}
)

// registers is the model that histories are held against.
var registers = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int64][]porcupine.Operation{}
		for _, op := range all {
			key := op.Input.(call).key
			byKey[key] = append(byKey[key], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		s, out := state.(register), output.(reply)
		want, next := s.step(input.(call))
		return !out.known || out == want, next
	},
}

func (s register) step(c call) (reply, register) {
	r := reply{known: true}
	switch c.verb {
	case regGet:
		r.ok, r.value = s.there, s.value
	case regPut:
		r.ok, s = true, register{true, c.value}
	case regInsert:
		if r.ok = !s.there; r.ok {
			s = register{true, c.value}
		}
	case regRemove:
		r.ok, s = s.there, register{}
	case regCAS:
		if r.ok = s.there && s.value == c.old; r.ok {
			s.value = c.value
		}
	}
	return r, s
}

// registerRow is a row of the table of registers.
type registerRow struct {
	K int64 `lamina:"k"`
	V int64 `lamina:"v"`
}

// do performs an operation, by SQL or by the table's own methods, in one of several ways.
func do(ctx context.Context, db *lamina.DB, c call, rng *rand.Rand) (r reply, err error) {
	if r.known = true; rng.IntN(2) == 0 {
		return doSQL(ctx, db, c, r)
	}
	rows := lamina.TableOf[registerRow](db, "registers")
	switch c.verb {
	case regGet:
		row, err := rows.Get(ctx, c.key)
		if r.ok, r.value = err == nil, row.V; errors.Is(err, table.ErrNotFound) {
			err = nil
		}
		return r, err
	case regPut:
		r.ok = true
		return r, rows.Put(ctx, registerRow{c.key, c.value})
	case regInsert:
		err := rows.Insert(ctx, registerRow{c.key, c.value})
		if r.ok = err == nil; sqlerr.CodeOf(err) == sqlerr.UniqueViolation {
			err = nil
		}
		return r, err
	case regRemove:
		err := rows.Delete(ctx, c.key)
		if r.ok = err == nil; errors.Is(err, table.ErrNotFound) {
			err = nil
		}
		return r, err
	}
	return casLocked(ctx, db, c, r)
}

// doSQL performs an operation by one statement.
func doSQL(ctx context.Context, db *lamina.DB, c call, r reply) (reply, error) {
	sql, args := "", []any{c.key, c.value}
	switch c.verb {
	case regGet:
		rows, err := db.Query(ctx, "SELECT v FROM registers WHERE k = $1", c.key)
		if err != nil {
			return r, err
		}
		if r.ok = rows.Next(); r.ok {
			err = rows.Scan(&r.value)
		}
		return r, errors.Join(err, rows.Close())
	case regPut:
		return putSQL(ctx, db, c, r)
	case regInsert:
		sql = "INSERT INTO registers VALUES ($1, $2) ON CONFLICT DO NOTHING"
	case regRemove:
		sql, args = "DELETE FROM registers WHERE k = $1", args[:1]
	case regCAS:
		sql, args = "UPDATE registers SET v = $2 WHERE k = $1 AND v = $3", append(args, c.old)
	}
	res, err := db.Exec(ctx, sql, args...)
	r.ok = res.RowsAffected == 1
	return r, err
}

// errAgain: another client was in the way, and nothing has happened.
var errAgain = sqlerr.New(sqlerr.SerializationFailure, "another client was in the way")

// putSQL updates a row, or inserts it, in a transaction.
func putSQL(ctx context.Context, db *lamina.DB, c call, r reply) (reply, error) {
	r.ok = true
	return r, db.RunTx(ctx, table.TxOptions{}, func(tx *lamina.Tx) error {
		for _, sql := range []string{"UPDATE registers SET v = $2 WHERE k = $1", "INSERT INTO registers VALUES ($1, $2) ON CONFLICT DO NOTHING"} {
			if res, err := tx.Exec(ctx, sql, c.key, c.value); err != nil || res.RowsAffected > 0 {
				return err
			}
		}
		return errAgain
	})
}

// casLocked reads under a lock, then writes.
func casLocked(ctx context.Context, db *lamina.DB, c call, r reply) (reply, error) {
	err := db.RunTx(ctx, table.TxOptions{}, func(tx *lamina.Tx) error {
		rows, err := tx.Query(ctx, "SELECT v FROM registers WHERE k = $1 FOR UPDATE", c.key)
		if err != nil {
			return err
		}
		var v int64
		there := rows.Next()
		if there {
			err = rows.Scan(&v)
		}
		if r.ok = there && v == c.old; !r.ok {
			return errors.Join(err, rows.Close())
		}
		if err = errors.Join(err, rows.Close()); err == nil {
			_, err = tx.Exec(ctx, "UPDATE registers SET v = $2 WHERE k = $1", c.key, c.value)
		}
		return err
	})
	return r, err
}

// registerRun is a run of clients on registers.
type registerRun struct {
	run
	mu  sync.Mutex
	ops []porcupine.Operation
	// counts of what was answered, by verb and answer
	counts  [numVerbs][2]int
	unknown int
	using   string // how the table is kept
}

const (
	registerClients = 8
	registerKeys    = 5
	registerValues  = 4
)

// client performs operations until the power is gone or there were enough.
func (r *registerRun) client(db *lamina.DB, id, epoch, n int) error {
	rng := rand.New(rand.NewPCG(uint64(id), uint64(epoch)))
	for range n {
		c := call{verb(rng.IntN(int(numVerbs))), 1 + rng.Int64N(registerKeys), rng.Int64N(registerValues), rng.Int64N(registerValues)}
		x := r.rec.begin(id, epoch)
		if err := x.ask(); err != nil {
			return nil // the power is gone
		}
		ctx, cancel := context.WithCancel(ctx())
		if rng.IntN(20) == 0 {
			go cancel()
		}
		out, err := do(ctx, db, c, rng)
		cancel()
		o, unexpected := outcome(err)
		x.end(o)
		if r.rec.lost(x) {
			unexpected = nil
		}
		if unexpected != nil {
			return unexpected
		}
		r.note(x, c, out)
		r.pause()
	}
	return nil
}

// note adds an operation to the history, unless it is known that nothing has happened.
func (r *registerRun) note(x *record, c call, out reply) {
	op := porcupine.Operation{ClientId: x.tx.Process, Input: c, Call: x.tx.Begin, Output: out, Return: x.tx.End}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case x.tx.Outcome == history.Aborted:
		return
	case x.tx.Outcome == history.Unknown:
		if c.verb == regGet {
			return // it has changed nothing
		}
		op.Output, op.Return = reply{}, math.MaxInt64
		op.ClientId += processes * (1 + len(r.ops)) // the client goes on
		r.unknown++
	case out.ok:
		r.counts[c.verb][1]++
	default:
		r.counts[c.verb][0]++
	}
	r.ops = append(r.ops, op)
}

// stage runs the clients once.
func (r *registerRun) stage(lose bool) error {
	db, err := r.openRegisters()
	if err != nil {
		return err
	}
	var image *waltest.CrashFS
	if lose {
		r.arm(func(fs *waltest.CrashFS) { image = fs })
	}
	errs := make([]error, registerClients)
	var wg sync.WaitGroup
	for i := range registerClients {
		wg.Go(func() { errs[i] = r.client(db, i, r.losses, r.txs) })
	}
	wg.Wait()
	if lose && image == nil {
		image = r.lose()
	}
	err = errors.Join(append(errs, db.Close())...)
	if lose {
		r.fs.SetHook(nil)
		r.fs, r.losses = image, r.losses+1
	}
	return err
}

func (r *registerRun) openRegisters() (*lamina.DB, error) {
	db, err := r.open()
	if err == nil {
		_, err = db.Exec(ctx(), "CREATE TABLE IF NOT EXISTS registers (k int8 PRIMARY KEY, v int8 NOT NULL)"+r.using)
	}
	return db, err
}

// TestRegisters: single operations at the default level are linearizable, across power losses too.
func TestRegisters(t *testing.T) {
	for _, c := range []struct {
		name   string
		losses int
	}{{"memory", 0}, {"columnar", 0}, {"columnar, power losses", 5}, {"lsm", 0}, {"lsm, power losses", 5}} {
		t.Run(c.name, func(t *testing.T) {
			total := &registerRun{}
			rounds := max(5, *seeds)
			for i := range uint64(rounds) {
				oneRegisterRun(t, *seed+i, c.name, c.losses, total)
			}
			t.Log(len(total.ops), "operations;", total.unknown, "unknown; refused and done:", total.counts)
			for v, n := range total.counts {
				if n[1] < 20 || n[0] < 20 && verb(v) != regPut {
					t.Errorf("verb %d: %d refused, %d done", v, n[0], n[1])
				}
			}
			if len(total.ops) < 900*rounds || c.losses > 0 && total.unknown < rounds*c.losses {
				t.Errorf("%d operations, %d unknown", len(total.ops), total.unknown)
			}
		})
	}
}

// oneRegisterRun judges a run and adds it to a total.
func oneRegisterRun(t *testing.T, seed uint64, tier string, losses int, total *registerRun) {
	t.Helper()
	r := &registerRun{run: run{rec: &recorder{}, rng: rand.New(rand.NewPCG(seed, 9)), txs: 150, clients: registerClients, asleep: 2}}
	if strings.HasPrefix(tier, "lsm") {
		r.using = " USING lsm"
	}
	if tier != "memory" {
		r.fs = waltest.NewCrashFS()
	}
	for i := range losses + 1 {
		if err := r.stage(i < losses); err != nil {
			t.Fatal(err)
		}
	}
	if !porcupine.CheckOperations(registers, r.ops) {
		t.Fatalf("seed %d: the history is not linearizable:\n%s", seed, r.shortest())
	}
	r.spoil(t)
	total.ops, total.unknown = append(total.ops, r.ops...), total.unknown+r.unknown
	for v, n := range r.counts {
		total.counts[v][0], total.counts[v][1] = total.counts[v][0]+n[0], total.counts[v][1]+n[1]
	}
}

// until returns what is known of the operations on a key at a moment: later answers have not come.
func (r *registerRun) until(key, moment int64) (ops []porcupine.Operation) {
	for _, op := range r.ops {
		if op.Input.(call).key != key || op.Call > moment {
			continue
		}
		if op.Return > moment {
			op.Output, op.Return = reply{}, math.MaxInt64
		}
		ops = append(ops, op)
	}
	return ops
}

// shortest describes the end of the shortest history of a key that is wrong.
func (r *registerRun) shortest() string {
	for key := int64(1); key <= registerKeys; key++ {
		if porcupine.CheckOperations(registers, r.until(key, math.MaxInt64)) {
			continue
		}
		moment := int64(sort.Search(int(r.rec.now), func(m int) bool { return !porcupine.CheckOperations(registers, r.until(key, int64(m))) }))
		ops := r.until(key, moment)
		slices.SortFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		var lines []string
		for _, op := range ops[max(0, len(ops)-25):] {
			c, out := op.Input.(call), op.Output.(reply)
			lines = append(lines, fmt.Sprintf("client %d, %d to %d: %s %d, old %d, value %d: %+v",
				op.ClientId%processes, op.Call, op.Return, verbNames[c.verb], c.key, c.old, c.value, out))
		}
		return strings.Join(lines, "\n")
	}
	return "no key is to blame"
}

var verbNames = [numVerbs]string{"get", "put", "insert", "remove", "cas"}

// spoil demands that the judge sees it when one answer is another one.
func (r *registerRun) spoil(t *testing.T) {
	t.Helper()
	noticed := 0
	for i := range r.ops {
		c, out := r.ops[i].Input.(call), r.ops[i].Output.(reply)
		if c.verb != regGet || !out.ok || noticed == 3 {
			continue
		}
		wrong := out
		wrong.value = registerValues // which nobody has written
		r.ops[i].Output = wrong
		if porcupine.CheckOperations(registers, r.ops) {
			t.Errorf("operation %d: a wrong value was not noticed", i)
		}
		r.ops[i].Output = out
		noticed++
	}
	if noticed < 3 {
		t.Error("no value was read")
	}
}
