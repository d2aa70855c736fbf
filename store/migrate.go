package store

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// A table whose access method changes moves to another tier by being rewritten (rewrite.go): the one record of the commit
// has the new definition, of a new layout, and all rows as rows of the new tier. Whoever applies it tells the new tier of
// the table before the rows, and the old tier to drop it after them, at the same LSN; Views from before find the table,
// under the definition that they have, in the old tier.

// checkMove checks what only the storage can check of a table that moves to another tier: rows that outlive the process do
// not reference rows that end with it.
func (t *Tx) checkMove(ctx context.Context, was, def *table.TableDef) error {
	if t.s.durable(def) == t.s.durable(was) {
		return nil
	}
	check := func(child, parent *table.TableDef) error {
		if child.ID != parent.ID && t.s.durable(child) && !t.s.durable(parent) {
			return sqlerr.New(sqlerr.InvalidTableDefinition, "constraints on permanent tables may reference only permanent tables").
				WithDetail("Table \"%s\" references \"%s\".", child.Name, parent.Name)
		}
		return nil
	}
	for i := range def.Foreign {
		parent, err := t.settled(ctx, def.Foreign[i].Table)
		if err == nil && parent != nil {
			err = check(def, parent)
		}
		if err != nil {
			return err
		}
	}
	for _, child := range t.catalog().Referencing(def.ID) {
		child, err := t.settled(ctx, child.ID)
		if err == nil && child != nil {
			err = check(child, def)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settled keeps a table from being changed by others and returns its definition.
func (t *Tx) settled(ctx context.Context, id table.ObjectID) (*table.TableDef, error) {
	if err := t.lockTable(ctx, id, table.AccessShare, table.WaitBlock); err != nil {
		return nil, err
	}
	def := t.catalog().Table(id)
	if base := t.overlay.Base().Table(id); base != nil {
		if now := t.s.newest().Table(id); now == nil || now.Version != base.Version {
			return nil, errConcurrentUpdate
		}
	}
	return def, nil
}

// durable reports whether the rows of a table outlive the process.
func (s *Store) durable(def *table.TableDef) bool {
	i := s.tierOf(def.Method)
	return i >= 0 && s.tiers[i].durable
}

// collectMove gives a record in which a table moves the hidden keys that the table has used: as long as its rows ended with
// the process, the log was not told of them.
func (c *commit) collectMove(tt *txTable) {
	if c.tx.overlay == nil || tt.created || tt.hiddenNext > 0 || invariants.Mutant("store-forget-moved-keys") {
		return
	}
	was, now := c.tx.overlay.Base().Table(tt.id), c.tx.overlay.Catalog().Table(tt.id)
	if was == nil || now == nil || was.Method == now.Method {
		return
	}
	if r := c.tx.s.hidden.find(tt.id); r != nil {
		c.hidden = append(c.hidden, hiddenBlock{tt.id, r.reserved.Load()})
	}
}

// sameForm reports whether rows of one definition are rows of the other as they are, column by column.
func sameForm(was, def *table.TableDef) bool {
	if len(was.Columns) != len(def.Columns) {
		return false
	}
	for i := range was.Columns {
		if was.Columns[i].ID != def.Columns[i].ID || was.Columns[i].Type != def.Columns[i].Type ||
			was.Columns[i].Generated != def.Columns[i].Generated {
			return false
		}
	}
	return true
}
