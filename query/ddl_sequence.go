package query

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// createSequences creates the sequences of new columns of a table, and makes their values the columns' defaults.
func (s *Session) createSequences(ctx context.Context, tx table.Tx, def *table.TableDef, list []bind.NewSequence) error {
	for _, n := range list {
		id, err := tx.Schema().Create(ctx, n.Def)
		if err != nil {
			return err
		}
		n.Def.ID = id
		def.Columns[def.ColumnIndex(n.Column)].Default = bind.NextValText(id)
	}
	return nil
}

// ownSequences makes the sequences of new columns go with them.
func (s *Session) ownSequences(ctx context.Context, tx table.Tx, id table.ObjectID, list []bind.NewSequence) error {
	if len(list) == 0 {
		return nil
	}
	def := tx.Schema().ByID(id).(*table.TableDef)
	for _, n := range list {
		d := tx.Schema().ByID(n.Def.ID).CloneObject().(*table.SequenceDef)
		d.Owner, d.OwnerColumn = id, def.Columns[def.ColumnIndex(n.Column)].ID
		if err := tx.Schema().Alter(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) createSequence(ctx context.Context, tx table.Tx, b *ast.CreateSequence) error {
	if b.Persistence == ast.Unlogged {
		return sqlerr.Unsupported("CREATE UNLOGGED SEQUENCE")
	}
	name, err := s.temporaryName(ctx, tx, b.Persistence, b.Name)
	if err != nil {
		return err
	}
	c := *b
	c.Name = name
	change, err := s.binder(ctx, tx).CreateSequence(&c)
	if err != nil {
		return err
	}
	def := change.Def
	if b.IfNotExists && tx.Schema().LookupRelation(def.Schema, def.Name) != nil {
		s.skipped("relation", def.Name, "already exists", sqlerr.DuplicateTable)
		return nil
	}
	id, err := tx.Schema().Create(ctx, def)
	if err == nil && change.Restart != nil {
		err = tx.Sequences().Restart(ctx, id, table.SequenceValue{Last: *change.Restart})
	}
	return err
}

func (s *Session) alterSequence(ctx context.Context, tx table.Tx, b *ast.AlterSequence) error {
	binder := s.binder(ctx, tx)
	o, err := binder.Relation(b.Name)
	if err != nil {
		return err
	}
	if o == nil && b.IfExists {
		s.skipped("relation", b.Name.Name, "does not exist", sqlerr.SuccessfulCompletion)
		return nil
	}
	old, err := binder.Sequence(b.Name)
	if err != nil {
		return err
	}
	change, err := binder.AlterSequence(old, b.Options)
	if err != nil {
		if e, ok := errors.AsType[*sqlerr.Error](err); ok && old.Identity && e.Code == sqlerr.FeatureNotSupported {
			err = e.WithDetail("Sequence \"%s\" is linked to table \"%s\".", old.Name, tx.Schema().ByID(old.Owner).Head().Name)
		}
		return err
	}
	return s.changeSequence(ctx, tx, change)
}

// changeSequence replaces the definition of a sequence; where it stands must be within the new bounds.
func (s *Session) changeSequence(ctx context.Context, tx table.Tx, c *bind.SequenceChange) error {
	if err := tx.Schema().Alter(ctx, c.Def); err != nil {
		return err
	}
	delete(s.sequences.cached, c.Def.ID)
	v, err := tx.Sequences().Value(ctx, c.Def.ID)
	if err != nil {
		return err
	}
	if c.Restart != nil {
		v = table.SequenceValue{Last: *c.Restart}
	}
	return tx.Sequences().Restart(ctx, c.Def.ID, v)
}

// alterTableSequences runs what ALTER TABLE does to the sequences of a table's columns, before its definition changes.
func (s *Session) alterTableSequences(ctx context.Context, tx table.Tx, a *bind.Alteration) error {
	if err := s.createSequences(ctx, tx, a.Def, a.Sequences); err != nil {
		return err
	}
	for _, n := range a.Sequences {
		i := a.Def.ColumnIndex(n.Column)
		if a.Values[i] != nil {
			continue
		}
		var err error
		if a.Values[i], err = bind.DefaultExpr(a.Def, i); err != nil {
			return err
		}
	}
	for _, c := range a.Changes {
		if err := s.changeSequence(ctx, tx, c); err != nil {
			return err
		}
	}
	for _, id := range a.Dropped {
		if err := tx.Schema().Drop(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// restartSequences is TRUNCATE … RESTART IDENTITY: the sequences that go with a table's columns begin again.
func (s *Session) restartSequences(ctx context.Context, tx table.Tx, def *table.TableDef) error {
	for _, o := range tx.Schema().List(table.KindSequence) {
		d := o.(*table.SequenceDef)
		if d.Owner != def.ID {
			continue
		}
		delete(s.sequences.cached, d.ID)
		if err := tx.Sequences().Restart(ctx, d.ID, table.SequenceValue{Last: d.Start}); err != nil {
			return err
		}
	}
	return nil
}
