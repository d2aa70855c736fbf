package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// The workload: clients that change tables a and b (with keys) and c (without), one that changes
// definitions, and one that makes checkpoints. Each client keeps to rows of its own, and knows them;
// some rows are changed by all of them. Every transaction writes its number into the journal.

const (
	sharedRows   = 4    // of table a, with ids from 1
	rowsOfClient = 24   // in each table
	idsOfClient  = 1000 // between the first rows of two clients
	longText     = 900
)

// journalSequence gives each transaction a value that no other one has.
const journalSequence = "journal_seq"

var commonTables = []string{"journal", "a", "b", "c"}

// workload runs clients on one store.
type workload struct {
	s     *Store
	o     *oracle
	seed  uint64
	steps int // transactions of a client
	// every is after how many commits there is a checkpoint; 0: none is asked for.
	every int64
	// async: no commit waits for the disk.
	async bool
	// tolerate says which errors end a client without being reported; nil: those of lost races.
	tolerate func(error) bool

	// defining counts the commits in flight that change definitions.
	defining        atomic.Int32
	commits, aborts atomic.Int64
	relayouts       atomic.Int64 // changes of layout that were tried
	wander          bool         // tables move to other tiers
	moving          atomic.Bool  // a move is under way
	moves           atomic.Int64 // to other tiers, that were tried
	restarts        atomic.Int64 // of the sequence, that were tried
	running         atomic.Int32
	checkpoint      chan struct{}
	onCheckpoint    func() // before each
	// found are the tables that the clients begin with; nil: those of setUp.
	found map[string]*modelTable
}

// setUp creates the tables that all clients use.
func (w *workload) setUp() error {
	return w.in(nil, func(x *workTx) error {
		q := &table.SequenceDef{Type: types.Int8, Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}
		q.Schema, q.Name = table.PublicSchema, journalSequence
		if _, err := x.tx.Schema().Create(context.Background(), q); err != nil {
			return err
		}
		for _, name := range commonTables {
			if err := x.create(name); err != nil {
				return err
			}
		}
		rows := map[int64]modelRow{}
		for id := int64(1); id <= sharedRows; id++ {
			rows[id] = modelRow{v: "shared"}
		}
		return x.insert("a", rows)
	})
}

// others lets some commits pass, if there are any, so that what calls it happens in the midst of them.
func (w *workload) others() {
	for from, n := w.commits.Load(), 0; w.running.Load() > 1 && w.commits.Load() < from+2 && n < 40; n++ {
		time.Sleep(50 * time.Microsecond)
	}
}

func (w *workload) rng(client int) *rand.Rand { return rand.New(rand.NewPCG(w.seed, uint64(client))) }

// run runs all clients to their ends and returns the errors that must not happen.
func (w *workload) run(clients int) error {
	w.checkpoint = make(chan struct{}, 1)
	errs := make([]error, clients+2)
	var wg, checkpointer sync.WaitGroup
	for i := range clients {
		c := w.client(i)
		w.running.Add(1)
		wg.Go(func() { defer w.running.Add(-1); errs[i] = c.run() })
	}
	d := w.definer(clients)
	wg.Go(func() { errs[clients] = d.run() })
	checkpointer.Go(func() {
		for range w.checkpoint {
			if w.onCheckpoint != nil {
				w.onCheckpoint()
			}
			if err := w.s.Checkpoint(context.Background()); err != nil && !w.tolerated(err) {
				errs[clients+1] = fmt.Errorf("checkpoint: %w", err)
			}
		}
	})
	wg.Wait()
	close(w.checkpoint)
	checkpointer.Wait()
	return errors.Join(errs...)
}

// client returns a client that knows which of the rows found are its own.
func (w *workload) client(i int) *client {
	c := &client{w: w, rng: w.rng(i), first: int64(i+1) * idsOfClient, rows: map[string]map[int64]modelRow{}}
	for _, name := range []string{"a", "b", "c"} {
		c.rows[name] = map[int64]modelRow{}
		if t := w.found[name]; t != nil {
			for id, r := range t.rows {
				if id >= c.first && id < c.first+idsOfClient {
					c.rows[name][id] = r
				}
			}
		}
	}
	return c
}

// definer returns a definer that knows which of the tables found are its own.
func (w *workload) definer(i int) *definer {
	d := &definer{w: w, rng: w.rng(i), tables: map[string]*modelTable{}, made: int(w.seed) * 1000}
	for name, t := range w.found {
		if !slices.Contains(commonTables, name) {
			d.tables[name] = t
		}
	}
	return d
}

func (w *workload) tolerated(err error) bool {
	if w.tolerate != nil {
		return w.tolerate(err)
	}
	return lostRace(err)
}

// lostRace: another transaction was first. Where a move waits for a table, and behind it one that has a row that another user
// of the table waits for, there is a deadlock.
func lostRace(err error) bool {
	code := sqlerr.CodeOf(err)
	return code == sqlerr.SerializationFailure || code == sqlerr.DeadlockDetected
}

// errGiveUp makes a client roll back.
var errGiveUp = errors.New("rolled back on purpose")

// in runs f in a transaction and commits it, now and then without waiting for the disk if there is a rng.
func (w *workload) in(rng *rand.Rand, f func(x *workTx) error) error {
	x := &workTx{w: w, n: w.o.number(), async: w.async || rng != nil && rng.IntN(3) == 0}
	tx, err := w.s.Begin(context.Background(), table.TxOptions{Async: x.async})
	if err != nil {
		return err
	}
	x.tx = tx.(*Tx)
	defer func() { _ = x.tx.Rollback() }()
	if err := f(x); err != nil {
		w.aborts.Add(1)
		return err
	}
	v, err := x.nextValue(rng)
	if err != nil {
		return err
	}
	if err := x.insert("journal", map[int64]modelRow{x.n: {u: v}}); err != nil {
		return err
	}
	if x.defines {
		w.defining.Add(1)
		defer w.defining.Add(-1)
	}
	return w.commit(x)
}

// nextValue takes a value of the sequence, for the journal; now and then the sequence is restarted above what it has
// given out so far.
func (x *workTx) nextValue(rng *rand.Rand) (int64, error) {
	q, ok := x.tx.Schema().LookupRelation(table.PublicSchema, journalSequence).(*table.SequenceDef)
	if !ok {
		return 0, errors.New("the sequence is gone")
	}
	if rng == nil || rng.IntN(40) != 0 {
		return x.tx.Sequences().Next(context.Background(), q.ID)
	}
	x.w.restarts.Add(1)
	if err := x.tx.LockTable(context.Background(), q.ID, table.AccessExclusive, table.WaitBlock); err != nil {
		return 0, err
	}
	at, err := x.tx.Sequences().Value(context.Background(), q.ID)
	if err != nil {
		return 0, err
	}
	if err := x.tx.Sequences().Restart(context.Background(), q.ID, table.SequenceValue{Last: at.Last + 1000}); err != nil {
		return 0, err
	}
	return x.tx.Sequences().Next(context.Background(), q.ID)
}

func (w *workload) commit(x *workTx) error {
	w.o.asked(x.n, x.effects)
	receipt, err := x.tx.Commit(context.Background())
	if err != nil {
		if sqlerr.CodeOf(err) == sqlerr.TransactionResolutionUnknown {
			w.o.told(x.n, fateUnknown, receipt.Token, false)
		} else {
			w.o.told(x.n, fateRefused, 0, false)
		}
		return err
	}
	w.o.told(x.n, fateCommitted, uint64(receipt.LSN), !x.async)
	if n := w.commits.Add(1); w.every > 0 && n%w.every == 0 && w.checkpoint != nil {
		select {
		case w.checkpoint <- struct{}{}:
		default:
		}
	}
	return nil
}

// workTx is a transaction and what it has done.
type workTx struct {
	w       *workload
	n       int64
	async   bool
	tx      *Tx
	effects []effect
	defines bool
}

// client changes its own rows, and the shared ones.
type client struct {
	w     *workload
	rng   *rand.Rand
	first int64 // its ids are those from first on
	rows  map[string]map[int64]modelRow
}

func (c *client) run() error {
	for range c.w.steps {
		mine := map[string]map[int64]modelRow{}
		for t, rows := range c.rows {
			mine[t] = maps.Clone(rows)
		}
		err := c.w.in(c.rng, func(x *workTx) error { return c.step(x, mine) })
		switch {
		case err == nil:
			c.rows = mine
		case errors.Is(err, errGiveUp), lostRace(err):
		case c.w.tolerated(err):
			return nil
		default:
			return fmt.Errorf("client at %d: %w", c.first, err)
		}
	}
	return nil
}

// step runs the statements of one transaction.
func (c *client) step(x *workTx, mine map[string]map[int64]modelRow) error {
	for range 1 + c.rng.IntN(4) {
		if c.rng.IntN(5) == 0 {
			if err := c.undone(x, mine); err != nil {
				return err
			}
		}
		if err := c.statement(x, mine); err != nil {
			return err
		}
	}
	if c.rng.IntN(10) == 0 {
		return errGiveUp
	}
	return nil
}

// undone runs a statement and rolls it back to a savepoint.
func (c *client) undone(x *workTx, mine map[string]map[int64]modelRow) error {
	sp, err := x.tx.Savepoint(context.Background())
	if err != nil {
		return err
	}
	before := len(x.effects)
	scratch := map[string]map[int64]modelRow{}
	for t, rows := range mine {
		scratch[t] = maps.Clone(rows)
	}
	if err := c.statement(x, scratch); err != nil {
		return err
	}
	x.effects = x.effects[:before]
	return sp.RollbackTo(context.Background())
}

func (c *client) statement(x *workTx, mine map[string]map[int64]modelRow) error {
	name := []string{"a", "b", "c"}[c.rng.IntN(3)]
	if mine[name] == nil {
		mine[name] = map[int64]modelRow{}
	}
	rows := mine[name]
	ids := slices.Sorted(maps.Keys(rows))
	c.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	ids = ids[:min(len(ids), 1+c.rng.IntN(6))]
	switch n := c.rng.IntN(12); {
	case n < 2 && name == "a":
		return x.update(name, map[int64]modelRow{1 + c.rng.Int64N(sharedRows): {v: fmt.Sprint("by ", x.n)}})
	case len(ids) == 0 || n < 5 && len(rows) < rowsOfClient:
		return c.insert(x, name, rows)
	case n < 8:
		return c.update(x, name, rows, ids)
	case n == 8 && len(ids) > 1 && name != "c": // two rows change the values of their unique key
		a, b := rows[ids[0]], rows[ids[1]]
		a.u, b.u = b.u, a.u
		rows[ids[0]], rows[ids[1]] = a, b
		return x.update(name, map[int64]modelRow{ids[0]: a, ids[1]: b})
	}
	for _, id := range ids {
		delete(rows, id)
	}
	return x.delete(name, ids)
}

// insert adds rows with free ids and, now and then, values of the unique key that others had before.
func (c *client) insert(x *workTx, name string, rows map[int64]modelRow) error {
	used := map[int64]bool{}
	for _, r := range rows {
		used[r.u] = true
	}
	more := map[int64]modelRow{}
	for range 1 + c.rng.IntN(8) {
		id := c.first + c.rng.Int64N(rowsOfClient)
		u := c.first + c.rng.Int64N(2*rowsOfClient)
		if _, there := rows[id]; there || used[u] {
			continue
		}
		used[u] = true
		if c.rng.IntN(6) == 0 {
			u = 0
		}
		rows[id] = modelRow{u, c.text()}
		more[id] = rows[id]
	}
	if len(more) == 0 {
		return nil
	}
	return x.insert(name, more)
}

func (c *client) update(x *workTx, name string, rows map[int64]modelRow, ids []int64) error {
	changed := map[int64]modelRow{}
	for _, id := range ids {
		rows[id] = modelRow{rows[id].u, c.text()}
		changed[id] = rows[id]
	}
	return x.update(name, changed)
}

func (c *client) text() string {
	n := 1 + c.rng.IntN(30)
	if c.rng.IntN(12) == 0 {
		n = c.rng.IntN(longText)
	}
	return fmt.Sprintf("%d-%s", c.rng.IntN(1e6), strings.Repeat("x", n))
}

// definer creates, alters, fills and drops tables of its own.
type definer struct {
	w      *workload
	rng    *rand.Rand
	tables map[string]*modelTable
	made   int
	n      int // transactions so far
}

func (d *definer) run() error {
	for d.n = range d.w.steps {
		after := map[string]*modelTable{}
		for name, t := range d.tables {
			after[name] = &modelTable{t.wide, t.notNull, maps.Clone(t.rows), t.method}
		}
		err := d.w.in(d.rng, func(x *workTx) error { return d.step(x, after) })
		switch {
		case err == nil:
			d.tables = after
		case errors.Is(err, errGiveUp), lostRace(err):
		case d.w.tolerated(err):
			return nil
		default:
			return fmt.Errorf("definer: %w", err)
		}
	}
	return nil
}

// step changes one or two definitions and some rows with them.
func (d *definer) step(x *workTx, after map[string]*modelTable) error {
	if d.w.wander && d.n%10 == 9 { // some moves are there whatever is drawn
		return d.move(x, []string{"a", "b", "c"}[d.n/10%3])
	}
	names := slices.Sorted(maps.Keys(after))
	n := d.rng.IntN(10)
	if d.rng.IntN(8) == 0 {
		return d.reshape(x)
	}
	if len(names) == 0 || len(names) < 4 && n < 4 {
		d.made++
		name := fmt.Sprint("d", d.made)
		if err := x.create(name); err != nil {
			return err
		}
		after[name] = &modelTable{rows: map[int64]modelRow{}}
		if n%2 == 0 {
			return nil
		}
		return d.fill(x, name, after[name])
	}
	name := names[d.rng.IntN(len(names))]
	t := after[name]
	switch {
	case n < 2:
		delete(after, name)
		if err := x.drop(name); err != nil {
			return err
		}
	case n < 4:
		to, again := strings.CutSuffix(name, "r")
		if !again {
			to += "r"
		}
		delete(after, name)
		after[to] = t
		return x.alter(name, effect{op: effRename, table: name, to: to})
	case n < 6:
		if err := d.alterRows(x, name, t); err != nil {
			return err
		}
	case n < 7 && !t.notNull:
		t.notNull = true
		return x.alter(name, effect{op: effNotNull, table: name})
	case n < 8:
		clear(t.rows)
		if err := x.truncate(name); err != nil {
			return err
		}
		return d.fill(x, name, t)
	default:
		return d.fill(x, name, t)
	}
	if d.rng.IntN(6) == 0 {
		return errGiveUp
	}
	return nil
}

// alterRows changes the layout of a table, some rows before and after it, and now and then takes the change back.
func (d *definer) alterRows(x *workTx, name string, t *modelTable) error {
	if err := d.fill(x, name, t); err != nil {
		return err
	}
	if d.rng.IntN(3) == 0 {
		sp, err := x.tx.Savepoint(context.Background())
		if err != nil {
			return err
		}
		before, scratch := len(x.effects), &modelTable{t.wide, t.notNull, maps.Clone(t.rows), t.method}
		if err := d.relayout(x, name, scratch); err != nil {
			return err
		}
		if err := d.fill(x, name, scratch); err != nil {
			return err
		}
		x.effects = x.effects[:before]
		if err := sp.RollbackTo(context.Background()); err != nil {
			return err
		}
	}
	if err := d.relayout(x, name, t); err != nil {
		return err
	}
	return d.fill(x, name, t)
}

// relayout adds or drops a column, or the primary key.
func (d *definer) relayout(x *workTx, name string, t *modelTable) error {
	d.w.relayouts.Add(1)
	switch op := effRekey; {
	case d.w.wander && d.rng.IntN(4) == 0:
		return d.move(x, name)
	case d.rng.IntN(3) == 0:
		return x.alter(name, effect{op: op, table: name})
	case t.wide:
		op = effNarrow
		t.wide = false
		return x.alter(name, effect{op: op, table: name})
	}
	t.wide = true
	return x.alter(name, effect{op: effWiden, table: name})
}

// move moves a table between the tiers whose rows outlive a power loss.
func (d *definer) move(x *workTx, name string) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	d.w.moves.Add(1)
	to := map[string]string{"columnar": "lsm", "lsm": "columnar"}[def.Method]
	return x.alter(name, effect{op: effMove, table: name, to: to})
}

// reshape adds or drops the column w of a table that the clients use, whose rows it must not lose, or moves it.
func (d *definer) reshape(x *workTx) error {
	name := []string{"a", "b", "c"}[d.rng.IntN(3)]
	def, err := x.def(name)
	if err != nil {
		return err
	}
	d.w.relayouts.Add(1)
	if d.w.wander && d.rng.IntN(2) == 0 {
		return d.move(x, name)
	}
	if len(def.Columns) > 3 {
		return x.alter(name, effect{op: effNarrow, table: name})
	}
	return x.alter(name, effect{op: effWiden, table: name})
}

func (d *definer) fill(x *workTx, name string, t *modelTable) error {
	rows := map[int64]modelRow{}
	for range 1 + d.rng.IntN(5) {
		id := d.rng.Int64N(1000)
		if _, there := t.rows[id]; !there {
			t.rows[id] = modelRow{v: fmt.Sprint("of ", x.n)}
			rows[id] = t.rows[id]
		}
	}
	return x.insert(name, rows)
}
