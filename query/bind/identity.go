package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// identity is ADD GENERATED … AS IDENTITY, SET GENERATED … and DROP IDENTITY.
func (a *alteration) identity() error {
	i, err := a.column(a.c.Name)
	if err != nil {
		return err
	}
	c := &a.def.Columns[i]
	bad := func(code sqlerr.Code, what string) error {
		return sqlerr.Newf(code, "column \"%s\" of relation \"%s\" %s", c.Name, a.def.Name, what)
	}
	if a.c.Kind == ast.AddIdentity {
		_, hi := table.SequenceBounds(c.Type.Kind)
		switch {
		case hi == 0:
			return errIdentityType
		case !c.NotNull:
			return bad(sqlerr.ObjectNotInPrerequisiteState, "must be declared NOT NULL before identity can be added")
		case c.Identity != table.NoIdentity:
			return bad(sqlerr.ObjectNotInPrerequisiteState, "is already an identity column")
		case c.Default != "":
			return bad(sqlerr.ObjectNotInPrerequisiteState, "already has a default value")
		}
		c.Identity = identityOf(a.c.Constraint.Always)
		t := &tableBuilder{b: a.b, def: a.def}
		if err := t.sequence(c, a.c.Constraint.Options, true); err != nil {
			return err
		}
		t.nameSequences(map[string]bool{})
		a.out.Sequences = append(a.out.Sequences, t.sequences...)
		return nil
	}
	if c.Identity == table.NoIdentity {
		if a.c.IfExists {
			return a.skip(sqlerr.SuccessfulCompletion, "column \"%s\" of relation \"%s\" is not an identity column", c.Name, a.def.Name)
		}
		return bad(sqlerr.ObjectNotInPrerequisiteState, "is not an identity column")
	}
	q := a.b.identitySequence(a.def, c)
	if a.c.Kind == ast.DropIdentity {
		c.Identity, c.Default = table.NoIdentity, ""
		if q != nil {
			a.out.Dropped = append(a.out.Dropped, q.ID)
		}
		return nil
	}
	return a.setIdentity(c, q)
}

func identityOf(always bool) table.Identity {
	if always {
		return table.IdentityAlways
	}
	return table.IdentityByDefault
}

// setIdentity is SET GENERATED and the options of the column's sequence.
func (a *alteration) setIdentity(c *table.Column, q *table.SequenceDef) error {
	var rest []ast.Option
	for _, o := range a.c.Options {
		if o.Name != "generated" {
			rest = append(rest, o)
			continue
		}
		c.Identity = identityOf(o.Value == "97" || o.Value == "a") // the letter, or its code
	}
	if len(rest) == 0 || q == nil {
		return nil
	}
	change, err := a.b.sequenceChange(q.CloneObject().(*table.SequenceDef), rest, false, true)
	if err == nil {
		a.out.Changes = append(a.out.Changes, change)
	}
	return err
}

// identitySequence finds the sequence of an identity column.
func (b *Binder) identitySequence(def *table.TableDef, c *table.Column) *table.SequenceDef {
	for _, o := range b.schema.List(table.KindSequence) {
		if q := o.(*table.SequenceDef); q.Owner == def.ID && q.OwnerColumn == c.ID {
			return q
		}
	}
	return nil
}
