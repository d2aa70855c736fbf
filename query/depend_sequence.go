package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// sequenceUser is a column whose default takes values of a sequence.
type sequenceUser struct {
	def      *table.TableDef
	column   int
	sequence *table.SequenceDef
}

func (u *sequenceUser) text() string {
	return fmt.Sprintf("default value for column %s of table %s", u.def.Columns[u.column].Name, u.def.Name)
}

// sequenceUsers returns the columns, of tables other than those left out, whose defaults use one of the sequences.
func sequenceUsers(tx table.Tx, sequences []*table.SequenceDef, without []table.Object) (list []sequenceUser) {
	for _, o := range tx.Schema().List(table.KindTable) {
		def := o.(*table.TableDef)
		if slices.ContainsFunc(without, func(o table.Object) bool { return o.Head().ID == def.ID }) {
			continue
		}
		for i := range def.Columns {
			for _, id := range bind.SequencesOf(def.Columns[i].Default) {
				at := slices.IndexFunc(sequences, func(q *table.SequenceDef) bool { return q.ID == id })
				if at >= 0 {
					list = append(list, sequenceUser{def, i, sequences[at]})
				}
			}
		}
	}
	return list
}

// sequencesWith returns the sequences among the objects, and those that go with tables among them.
func sequencesWith(tx table.Tx, objects []table.Object) (list []*table.SequenceDef) {
	for _, o := range tx.Schema().List(table.KindSequence) {
		q := o.(*table.SequenceDef)
		if slices.ContainsFunc(objects, func(o table.Object) bool { return o.Head().ID == q.ID || o.Head().ID == q.Owner }) {
			list = append(list, q)
		}
	}
	return list
}

// releaseSequences makes sure that no default needs the sequences that are dropped with the objects: without CASCADE one
// that does is an error, with it the defaults go.
func (s *Session) releaseSequences(ctx context.Context, tx table.Tx, b *ast.Drop, objects []table.Object) error {
	for _, o := range objects {
		q, ok := o.(*table.SequenceDef)
		if !ok || !q.Identity {
			continue
		}
		if def, ok := tx.Schema().ByID(q.Owner).(*table.TableDef); ok {
			column := ""
			for _, c := range def.Columns {
				if c.ID == q.OwnerColumn {
					column = c.Name
				}
			}
			return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop sequence %s because column %s of table %s requires it",
				q.Name, column, def.Name).WithHint("You can drop column %s of table %s instead.", column, def.Name)
		}
	}
	users := sequenceUsers(tx, sequencesWith(tx, objects), objects)
	if len(users) == 0 {
		return nil
	}
	if !b.Cascade {
		return usersError(users, objects)
	}
	s.noticeUsers(users)
	for _, u := range users {
		def := tx.Schema().ByID(u.def.ID).CloneObject().(*table.TableDef)
		def.Columns[u.column].Default = ""
		if err := tx.Schema().Alter(ctx, def); err != nil {
			return err
		}
	}
	return nil
}

func usersError(users []sequenceUser, objects []table.Object) error {
	lines := make([]string, len(users))
	for i, u := range users {
		lines[i] = u.text() + " depends on sequence " + u.sequence.Name
	}
	what := "desired object(s)"
	if len(objects) == 1 {
		what = relationWord(objects[0]) + " " + objects[0].Head().Name
	}
	return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop %s because other objects depend on it", what).
		WithDetail("%s", strings.Join(lines, "\n")).
		WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

func (s *Session) noticeUsers(users []sequenceUser) {
	if len(users) == 1 {
		s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "drop cascades to %s", users[0].text())})
		return
	}
	lines := make([]string, len(users))
	for i := range users {
		lines[i] = "drop cascades to " + users[i].text()
	}
	s.notice(Notice{Severity: "NOTICE", Err: sqlerr.Newf(sqlerr.SuccessfulCompletion, "drop cascades to %d other objects", len(users)).
		WithDetail("%s", strings.Join(lines, "\n"))})
}
