package query

import (
	"context"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// changes runs the data changes in WITH of a statement: all on the state before it, in the storage's one statement. Of
// several changes of one row the first counts.
type changes struct {
	s      *Session
	q      *plan.Query
	stmt   table.Statement
	params []types.Datum
	held   map[int][]types.Row
	seen   map[table.ObjectID]map[table.RowRef]bool
}

// before runs the changes that must be done before the statement's own rows are read: those whose rows something uses,
// and all if the statement itself changes nothing.
func (c *changes) before(ctx context.Context) error {
	c.held, c.seen = map[int][]types.Row{}, map[table.ObjectID]map[table.RowRef]bool{}
	for _, q := range c.q.Changes {
		if q.Used || c.q.Modify == nil {
			if err := c.run(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// after runs the rest.
func (c *changes) after(ctx context.Context) error {
	for _, q := range c.q.Changes {
		if !q.Used {
			if err := c.run(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *changes) run(ctx context.Context, q *plan.Query) error {
	ec := c.s.exprContext(c.params)
	env := c.s.env(q, c.stmt, ec)
	env.Held = c.held
	x, err := exec.Instantiate(ctx, q, env)
	if err != nil {
		return err
	}
	m := &modifier{s: c.s, m: q.Modify, root: q.Root, q: x, stmt: c.stmt, ctx: ec, scratch: &modifyScratch{}, others: c.seen}
	err = m.run(ctx)
	if cerr := x.Close(); err == nil {
		err = cerr
	}
	c.held[q.Held] = m.returning
	return err
}
