package isolation

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/laminadb/lamina/internal/history"
)

// listTable is a table that holds lists. In one of texts, (k int8 PRIMARY KEY, v text), a list is a row whose text grows:
// updates of one row. In one of rows, (k int8, pos int8, v int8, PRIMARY KEY (k, pos)), each value is a row: predicates
// and inserts.
type listTable struct {
	name, method string
	rows         bool
	// volatile: gone when the database ends.
	volatile bool
}

// listTables are the tables of a run: one of each kind in each tier.
func listTables(tiers []string, volatile func(tier string) bool) (tables []*listTable) {
	for _, tier := range tiers {
		for _, rows := range []bool{false, true} {
			kind := map[bool]string{false: "texts", true: "listed"}[rows]
			tables = append(tables, &listTable{kind + "_" + tier, tier, rows, volatile(tier)})
		}
	}
	return tables
}

// columns are the table's, in SQL.
func (t *listTable) columns() string {
	if t.rows {
		return "k int8, pos int8, v int8, PRIMARY KEY (k, pos)"
	}
	return "k int8 PRIMARY KEY, v text"
}

// session is a client of a database.
type session interface {
	begin(ctx context.Context, o options) error
	// append adds a value to a list in one of several ways. What it reads on its way is returned.
	append(ctx context.Context, t *listTable, key, value int64, way int) (read []int64, has bool, err error)
	read(ctx context.Context, t *listTable, key int64) ([]int64, error)
	// scan reads all lists of a table in one statement.
	scan(ctx context.Context, t *listTable) (map[int64][]int64, error)
	// churn changes a list in one of several ways and back again.
	churn(ctx context.Context, t *listTable, key int64, way int) error
	// undone appends a value to a list and rolls back to a savepoint before it.
	undone(ctx context.Context, t *listTable, key, value int64) error
	commit(ctx context.Context) error
	rollback() error
	close() error
}

// options are those of a transaction.
type options struct {
	level history.Level
	// once: a transaction of a single operation, which ends with it. Commit and rollback do nothing then.
	once, async bool
}

// Lists are in use until they have about this many values; some are in use at the same time.
const (
	listValues  = 24
	listsActive = 8
)

// client runs random transactions.
type client struct {
	*run
	s       session
	rng     *rand.Rand
	process int
	epoch   int
}

// listKey is the list that a client uses next: lists come into use one after the other.
func (c *client) listKey() int64 {
	return c.rec.appended()/listValues + c.rng.Int64N(listsActive)
}

// table returns the table that a list is in.
func (r *run) table(key int64) *listTable { return r.tables[int(key)%len(r.tables)] }

// listName is the name of a list in the history. One that a power loss takes away is another one afterwards.
func (r *run) listName(key int64, epoch int) string {
	if r.table(key).volatile {
		return fmt.Sprintf("%d@%d", key, epoch)
	}
	return fmt.Sprint(key)
}

// transaction runs one transaction and notes it. It returns errLost once the power is gone.
func (c *client) transaction(ctx context.Context) error {
	x := c.rec.begin(c.process, c.epoch)
	o := options{c.level, c.rng.IntN(5) == 0, c.rng.IntN(3) == 0 && !c.crashing}
	err := c.s.begin(ctx, o)
	if err == nil && o.once {
		if err = x.ask(); err == nil {
			err = c.single(ctx, x)
		}
	} else if err == nil {
		err = c.operations(ctx, x)
	}
	out, unexpected := outcome(err)
	x.end(out)
	if out == history.Unknown {
		c.process += processes // who does not know what has become of a transaction goes on as another one
	}
	if rerr := c.s.rollback(); unexpected == nil {
		unexpected = rerr
	}
	if c.rec.lost(x) {
		return errLost
	}
	return unexpected
}

// processes is more than there are clients.
const processes = 1000

func (r *recorder) lost(x *record) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return x.epoch != r.epoch
}

// operations runs the operations of a transaction, and commits it or rolls it back.
func (c *client) operations(ctx context.Context, x *record) error {
	for range 1 + c.rng.IntN(5) {
		if err := c.operation(ctx, x, false); err != nil {
			return err
		}
		c.pause()
	}
	if c.rng.IntN(10) == 0 {
		return nil // it was not asked, so nothing was committed
	}
	if err := x.ask(); err != nil {
		return err
	}
	ctx, cancel := c.impatient(ctx)
	defer cancel()
	return c.s.commit(ctx)
}

// impatient returns a context for a commit, that now and then ends at some time during the commit.
func (c *client) impatient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if !c.patient && c.rng.IntN(20) == 0 {
		go cancel()
	}
	return ctx, cancel
}

// single runs a transaction of one operation.
func (c *client) single(ctx context.Context, x *record) error {
	ctx, cancel := c.impatient(ctx)
	defer cancel()
	return c.operation(ctx, x, true)
}

// operation runs one operation and notes what it has shown. In a transaction of one operation there are no others that
// would need the transaction to go on.
func (c *client) operation(ctx context.Context, x *record, once bool) error {
	key := c.listKey()
	t, list := c.table(key), c.listName(key, x.epoch)
	n := c.rng.IntN(100)
	if once {
		n = n * 6 / 10
	}
	switch {
	case n < 36:
		values, err := c.s.read(ctx, t, key)
		if err != nil {
			return err
		}
		return x.did(history.Read(list, values...))
	case n < 60:
		return c.append(ctx, x, key, once)
	case n < 75:
		return c.append(ctx, x, key, false)
	case n < 90:
		return c.scan(ctx, x, t)
	case n < 96:
		return c.s.churn(ctx, t, key, c.rng.IntN(3))
	}
	return c.s.undone(ctx, t, key, c.rec.value())
}

func (c *client) append(ctx context.Context, x *record, key int64, once bool) error {
	value, way := c.rec.value(), c.rng.IntN(4)
	if once {
		way = 0
	}
	t, list := c.table(key), c.listName(key, x.epoch)
	if once { // asked and answered together
		if err := x.did(history.Append(list, value)); err != nil {
			return err
		}
	}
	values, has, err := c.s.append(ctx, t, key, value, way)
	if err != nil || once {
		return err
	}
	if has {
		if err := x.did(history.Read(list, values...)); err != nil {
			return err
		}
	}
	return x.did(history.Append(list, value))
}

// scan reads all lists of a table, and notes those that are in use; a list that is not there is empty.
func (c *client) scan(ctx context.Context, x *record, t *listTable) error {
	first := c.rec.appended() / listValues
	all, err := c.s.scan(ctx, t)
	if err != nil {
		return err
	}
	var ops []history.Op
	for key := first; key < first+listsActive; key++ {
		if c.table(key) == t {
			ops = append(ops, history.Read(c.listName(key, x.epoch), all[key]...))
		}
	}
	return x.did(ops...)
}
