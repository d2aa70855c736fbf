package query

import (
	"context"
	"slices"
	"strings"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// dependent is a view that would be lost with the relation that it names.
type dependent struct {
	view *table.ViewDef
	on   table.Object
}

// dependents returns the views that use the given relations, directly or by other views, in the order in which
// PostgreSQL tells of them: each after what it depends on.
func (s *Session) dependents(tx table.Tx, relations ...table.Object) []dependent {
	if invariants.Mutant("query-forget-dependents") {
		return nil
	}
	binder := s.binder(context.Background(), tx) // an answer cut short would be a wrong one
	uses := map[table.ObjectID][]table.ObjectID{}
	var views []*table.ViewDef
	for _, o := range tx.Schema().List(table.KindView) {
		v := o.(*table.ViewDef)
		views, uses[v.ID] = append(views, v), binder.Uses(v)
	}
	var out []dependent
	found := map[table.ObjectID]bool{}
	for _, r := range relations {
		found[r.Head().ID] = true
	}
	for len(relations) > 0 {
		r := relations[0]
		relations = relations[1:]
		for _, v := range views {
			if !found[v.ID] && slices.Contains(uses[v.ID], r.Head().ID) {
				found[v.ID] = true
				out, relations = append(out, dependent{v, r}), append(relations, v)
			}
		}
	}
	return out
}

// dependsError is the 2BP01 error for what cannot be dropped alone.
func dependsError(what string, list []dependent, users []foreignUser) error {
	_, lines := dependLines(list, users)
	return sqlerr.Newf(sqlerr.DependentObjectsStillExist, "cannot drop %s because other objects depend on it", what).
		WithDetail("%s", strings.Join(lines, "\n")).
		WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

func relationWord(o table.Object) string {
	if o.Head().Kind == table.KindView {
		return "view"
	}
	if o.Head().Kind == table.KindSequence {
		return "sequence"
	}
	return "table"
}

// noticeCascade tells the client what a cascade drops besides.
func (s *Session) noticeCascade(list []dependent, users ...foreignUser) {
	what, _ := dependLines(list, users)
	s.noticeLines(what)
}
