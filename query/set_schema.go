package query

import (
	"context"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// setSchema is ALTER … SET SCHEMA: a table takes the sequences of its columns along. What views use stays, since their
// queries are kept as texts.
func (s *Session) setSchema(ctx context.Context, tx table.Tx, binder *bind.Binder, o table.Object, name string) error {
	id, err := binder.SchemaID(name)
	if err != nil {
		return err
	}
	if id == o.Head().Schema {
		return nil
	}
	for _, schema := range []string{s.temp, "pg_temp"} {
		temp := tx.Schema().Lookup(table.KindSchema, 0, schema)
		if temp != nil && (temp.Head().ID == id || temp.Head().ID == o.Head().Schema) {
			return sqlerr.New(sqlerr.FeatureNotSupported, "cannot move objects into or out of temporary schemas")
		}
	}
	if seq, ok := o.(*table.SequenceDef); ok && seq.Owner != 0 {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot move an owned sequence into another schema").
			WithDetail("Sequence %q is linked to table %q.", seq.Name, tx.Schema().ByID(seq.Owner).Head().Name)
	}
	if list := s.dependents(tx, o); len(list) > 0 {
		return sqlerr.Unsupported("SET SCHEMA of a "+relationWord(o)+" that views use").
			WithDetail("View %s depends on it.", list[0].view.Name)
	}
	moved := []table.Object{o}
	for _, q := range tx.Schema().List(table.KindSequence) {
		if seq := q.(*table.SequenceDef); seq.Owner == o.Head().ID {
			moved = append(moved, seq)
		}
	}
	for _, m := range moved {
		if tx.Schema().LookupRelation(id, m.Head().Name) != nil {
			return sqlerr.Newf(sqlerr.DuplicateTable, "relation %q already exists in schema %q", m.Head().Name, name)
		}
		c := m.CloneObject()
		c.Head().Schema = id
		if err := tx.Schema().Alter(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
