package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// alterTable is ALTER TABLE, and the renaming of views.
func (s *Session) alterTable(ctx context.Context, tx table.Tx, b *ast.AlterTable) error {
	binder := s.binder(ctx, tx)
	o, err := binder.Relation(b.Name)
	if err != nil {
		return err
	}
	if o == nil {
		if b.IfExists {
			s.skipped("relation", b.Name.Name, "does not exist", sqlerr.SuccessfulCompletion)
			return nil
		}
		return noRelation(b, o)
	}
	if o.Head().Kind != table.KindIndex { // what is changed is what is there once the lock is granted
		if err := tx.LockTable(ctx, o.Head().ID, alterLock(b), table.WaitBlock); err != nil {
			return err
		}
		binder = s.binder(ctx, tx)
		if o, err = binder.Relation(b.Name); err != nil || o == nil {
			return errors.Join(err, noRelation(b, o))
		}
	}
	if len(b.Commands) == 1 && b.Commands[0].Kind == ast.SetSchema {
		if word := map[ast.ObjectKind]string{ast.ViewObject: "view", ast.SequenceObject: "sequence"}[b.Kind]; word != "" && relationWord(o) != word {
			return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a %s", o.Head().Name, word)
		}
		return s.setSchema(ctx, tx, binder, o, b.Commands[0].NewName)
	}
	switch def := o.(type) {
	case *table.SequenceDef:
		if b.Kind != ast.SequenceObject && b.Kind != ast.TableObject {
			return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a view", def.Name)
		}
		if len(b.Commands) == 1 && b.Commands[0].Kind == ast.RenameTable {
			changed := def.CloneObject().(*table.SequenceDef)
			changed.Name = b.Commands[0].NewName
			return tx.Schema().Alter(ctx, changed)
		}
	case *table.TableDef:
		if b.Kind == ast.SequenceObject {
			return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a sequence", def.Name)
		}
		if b.Kind != ast.TableObject {
			return sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a view", def.Name)
		}
		changed, err := binder.AlterTable(def, b.Commands)
		if err != nil {
			return err
		}
		if err := s.checkViewsOf(ctx, tx, def, b.Commands); err != nil {
			return err
		}
		if err := s.alterTableSequences(ctx, tx, changed); err != nil {
			return err
		}
		for _, skipped := range changed.Skipped {
			s.notice(Notice{Severity: "NOTICE", Err: skipped})
		}
		s.noticeLines(changed.Cascaded)
		if err := dropForeign(ctx, tx, changed.Released); err != nil {
			return err
		}
		if changed.Rewrite {
			err = tx.Schema().AlterRows(ctx, changed.Def, s.rowMapper(changed.Values))
		} else {
			err = tx.Schema().Alter(ctx, changed.Def)
		}
		if err != nil {
			return err
		}
		return s.ownSequences(ctx, tx, def.ID, changed.Sequences)
	case *table.ViewDef:
		if len(b.Commands) == 1 && b.Commands[0].Kind == ast.RenameTable {
			if err := s.checkViewsOf(ctx, tx, def, b.Commands); err != nil {
				return err
			}
			changed := def.CloneObject().(*table.ViewDef)
			changed.Name = b.Commands[0].NewName
			return tx.Schema().Alter(ctx, changed)
		}
	}
	if c := b.Commands[0]; c.Kind == ast.SetMethod || c.Kind == ast.SetCompression {
		action := map[ast.AlterKind]string{ast.SetMethod: "SET ACCESS METHOD", ast.SetCompression: "ALTER COLUMN ... SET COMPRESSION"}[c.Kind]
		return sqlerr.Newf(sqlerr.WrongObjectType, "ALTER action %s cannot be performed on relation %q", action, o.Head().Name).
			WithDetail("This operation is not supported for %ss.", relationWord(o))
	}
	return sqlerr.Unsupported(ddlVerb(b) + " of this kind")
}

// alterLock returns the lock that ALTER TABLE takes: rows may be read while a FOREIGN KEY is added.
func alterLock(b *ast.AlterTable) table.TableLock {
	for i := range b.Commands {
		c := &b.Commands[i]
		if c.Kind != ast.ValidateConstraint && (c.Kind != ast.AddConstraint || c.Constraint.Kind != ast.ForeignKey) {
			return table.AccessExclusive
		}
	}
	return table.ShareRowExclusive
}

// noRelation says that there is no relation to be altered; nil if there is.
func noRelation(b *ast.AlterTable, o table.Object) error {
	if o != nil {
		return nil
	}
	return sqlerr.Newf(sqlerr.UndefinedTable, "relation %q does not exist", b.Name.Name).At(b.Name.Pos())
}

// rowMapper returns how ALTER TABLE makes a row of a table's row before.
func (s *Session) rowMapper(values []expr.Expr) table.RowMapper {
	ec := s.exprContext(nil)
	var from, to types.Row
	return func(ctx context.Context, old *vec.Batch, dst *vec.BatchBuilder) error {
		if ctx.Err() != nil {
			return sqlerr.Canceled(ctx)
		}
		for i := range old.N {
			from, to = old.Row(i, from[:0]), to[:0]
			for _, e := range values {
				d, err := expr.EvalRow(ec, e, from)
				if err != nil {
					return err
				}
				to = append(to, d)
			}
			if err := dst.AppendRow(to); err != nil {
				return err
			}
		}
		return nil
	}
}

// checkViewsOf refuses changes of names, and of the columns that they use, of a relation that views use: their
// queries are kept as texts. DROP COLUMN … CASCADE drops them.
func (s *Session) checkViewsOf(ctx context.Context, tx table.Tx, o table.Object, commands []ast.AlterCommand) error {
	for i := range commands {
		c := &commands[i]
		var err error
		switch c.Kind {
		case ast.RenameTable:
			if list := s.dependents(tx, o); len(list) > 0 {
				err = sqlerr.Unsupported("RENAME of a "+relationWord(o)+" that views use").
					WithDetail("View %s depends on it.", list[0].view.Name)
			}
		case ast.RenameColumn, ast.DropColumn, ast.AlterType:
			if def, ok := o.(*table.TableDef); ok {
				err = s.checkViewsOfColumn(ctx, tx, def, c)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) checkViewsOfColumn(ctx context.Context, tx table.Tx, def *table.TableDef, c *ast.AlterCommand) error {
	column := def.ColumnIndex(c.Name)
	if column < 0 {
		return nil // of the same statement
	}
	binder := s.binder(context.Background(), tx) // an answer cut short would be a wrong one
	var users []table.Object
	var list []dependent
	for _, o := range tx.Schema().List(table.KindView) {
		v := o.(*table.ViewDef)
		if binder.UsesColumn(v, def.ID, column) {
			users = append(users, v)
			list = append(list, dependent{v, def})
		}
	}
	if len(users) == 0 {
		return nil
	}
	switch c.Kind {
	case ast.RenameColumn:
		return sqlerr.Unsupported("RENAME COLUMN of a column that views use").WithDetail("View %s depends on it.", users[0].Head().Name)
	case ast.AlterType:
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot alter type of a column used by a view or rule").
			WithDetail("rule _RETURN on view %s depends on column \"%s\"", users[0].Head().Name, c.Name)
	}
	list = append(list, s.dependents(tx, users...)...)
	list = slices.DeleteFunc(list, func(d dependent) bool {
		return d.on.Head().ID != def.ID && slices.Contains(users, table.Object(d.view))
	})
	if !c.Cascade {
		what := "column " + c.Name + " of table " + def.Name
		err, _ := errors.AsType[*sqlerr.Error](dependsError(what, list, nil))
		return err.WithDetail("%s", strings.ReplaceAll(err.Detail, "depends on table "+def.Name, "depends on "+what))
	}
	s.noticeCascade(list)
	for _, d := range slices.Backward(list) {
		if err := tx.Schema().Drop(ctx, d.view.ID); err != nil {
			return err
		}
	}
	return nil
}
