package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// foreignUser is a FOREIGN KEY constraint of one table on another.
type foreignUser struct {
	child, parent *table.TableDef
	f             *table.ForeignKey
}

func (u *foreignUser) text() string { return "constraint " + u.f.Name + " on table " + u.child.Name }

// foreignUsers returns the constraints of other tables on tables among the objects, in the order in which they were made:
// those of tables that are not among them, and those of tables that are.
func foreignUsers(tx table.Tx, objects []table.Object) (outside, inside []foreignUser) {
	among := func(id table.ObjectID) bool {
		return slices.ContainsFunc(objects, func(o table.Object) bool { return o.Head().ID == id })
	}
	for _, o := range tx.Schema().List(table.KindTable) {
		child := o.(*table.TableDef)
		for i := range child.Foreign {
			f := &child.Foreign[i]
			if f.Table == child.ID || !among(f.Table) {
				continue
			}
			parent, ok := tx.Schema().ByID(f.Table).(*table.TableDef)
			switch u := (foreignUser{child, parent, f}); {
			case !ok:
			case among(child.ID):
				inside = append(inside, u)
			default:
				outside = append(outside, u)
			}
		}
	}
	slices.SortFunc(outside, func(a, b foreignUser) int { return cmp.Compare(a.f.ID, b.f.ID) })
	return outside, inside
}

// dropForeign drops constraints by name, all of a table at once.
func dropForeign(ctx context.Context, tx table.Tx, users []bind.ForeignUser) error {
	for i, u := range users {
		if slices.ContainsFunc(users[:i], func(v bind.ForeignUser) bool { return v.Def.ID == u.Def.ID }) {
			continue
		}
		if err := tx.LockTable(ctx, u.Def.ID, table.AccessExclusive, table.WaitBlock); err != nil {
			return err
		}
		now, ok := tx.Schema().ByID(u.Def.ID).(*table.TableDef)
		if !ok {
			continue // dropped while the lock was waited for
		}
		def := now.CloneObject().(*table.TableDef)
		def.Foreign = slices.DeleteFunc(def.Foreign, func(f table.ForeignKey) bool {
			return slices.ContainsFunc(users, func(v bind.ForeignUser) bool { return v.Def.ID == def.ID && v.Foreign == f.Name })
		})
		if err := tx.Schema().Alter(ctx, def); err != nil {
			return err
		}
	}
	return nil
}

// releaseForeign drops the constraints that would be left without what they reference.
func releaseForeign(ctx context.Context, tx table.Tx, users ...foreignUser) error {
	list := make([]bind.ForeignUser, len(users))
	for i, u := range users {
		list[i] = bind.ForeignUser{Def: u.child, Foreign: u.f.Name}
	}
	return dropForeign(ctx, tx, list)
}

// truncated returns the tables that TRUNCATE empties: with CASCADE those too that reference them.
func (s *Session) truncated(ctx context.Context, tx table.Tx, b *ast.Truncate) (defs []*table.TableDef, err error) {
	lock := func(def *table.TableDef) error {
		defs = append(defs, def)
		return tx.LockTable(ctx, def.ID, table.AccessExclusive, table.WaitBlock)
	}
	has := func(id table.ObjectID) bool {
		return slices.ContainsFunc(defs, func(d *table.TableDef) bool { return d.ID == id })
	}
	for _, t := range b.Tables {
		def, err := s.tableOf(ctx, t)
		if err != nil {
			return nil, err
		}
		if has(def.ID) {
			continue
		}
		if err := lock(def); err != nil {
			return nil, err
		}
	}
	for i := 0; b.Cascade && i < len(defs); i++ {
		users, _ := foreignUsers(tx, []table.Object{defs[i]})
		slices.SortFunc(users, func(a, b foreignUser) int { return cmp.Compare(a.child.ID, b.child.ID) })
		for _, u := range users {
			if has(u.child.ID) {
				continue
			}
			s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "truncate cascades to table %q", u.child.Name)})
			if err := lock(u.child); err != nil {
				return nil, err
			}
		}
	}
	return defs, nil
}

// runSetConstraints is SET CONSTRAINTS.
func (s *Session) runSetConstraints(ctx context.Context, b *ast.SetConstraints) (*Result, error) {
	r := &Result{s: s, verb: "SET CONSTRAINTS"}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	if !s.tx.explicit {
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.NoActiveSQLTransaction, "SET CONSTRAINTS can only be used in transaction blocks")})
	}
	var ids []table.ObjectID
	for _, n := range b.Names {
		found, err := s.constraintsNamed(tx, n)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	return r, tx.SetConstraints(ctx, ids, b.Deferred)
}

// constraintsNamed returns the constraints of a name in the first schema of the search path that has one.
func (s *Session) constraintsNamed(tx table.Tx, n ast.RelName) ([]table.ObjectID, error) {
	path := s.searchPath()
	if n.Schema != "" {
		path = []string{n.Schema}
	}
	for _, schema := range path {
		o := tx.Schema().Lookup(table.KindSchema, 0, schema)
		if schema == "pg_temp" && s.temp != "" {
			o = tx.Schema().Lookup(table.KindSchema, 0, s.temp)
		}
		if o == nil {
			continue
		}
		var ids []table.ObjectID
		found := false
		for _, x := range tx.Schema().List(table.KindTable) {
			def := x.(*table.TableDef)
			if def.Schema != o.Head().ID {
				continue
			}
			for i := range def.Foreign {
				if f := &def.Foreign[i]; f.Name == n.Name {
					found = true
					if f.Deferrable {
						ids = append(ids, f.ID)
					}
				}
			}
			found = found || slices.ContainsFunc(def.Keys, func(k table.Key) bool { return k.Name == n.Name }) ||
				slices.ContainsFunc(def.Checks, func(k table.Check) bool { return k.Name == n.Name })
		}
		switch {
		case len(ids) > 0:
			return ids, nil
		case found:
			return nil, sqlerr.Newf(sqlerr.WrongObjectType, "constraint %q is not deferrable", n.Name)
		}
	}
	return nil, sqlerr.Newf(sqlerr.UndefinedObject, "constraint %q does not exist", n.Name)
}

// noticeLines tells the client what a cascade drops besides.
func (s *Session) noticeLines(what []string) {
	switch len(what) {
	case 0:
		return
	case 1:
		s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "drop cascades to %s", what[0])})
		return
	}
	s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "drop cascades to %d other objects", len(what)).
		WithDetail("%s", "drop cascades to "+strings.Join(what, "\ndrop cascades to "))})
}

// dependLines describe what depends on dropped relations: constraints, then views.
func dependLines(list []dependent, users []foreignUser) (what, on []string) {
	for i := range users {
		what = append(what, users[i].text())
		on = append(on, fmt.Sprintf("%s depends on table %s", users[i].text(), users[i].parent.Name))
	}
	for _, d := range list {
		what = append(what, "view "+d.view.Name)
		on = append(on, fmt.Sprintf("view %s depends on %s %s", d.view.Name, relationWord(d.on), d.on.Head().Name))
	}
	return what, on
}
