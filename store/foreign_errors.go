package store

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// keyText prints columns of a table and values as details do.
func keyText(def *table.TableDef, cols []int, values types.Row) string {
	names, texts := make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		names[i] = def.Columns[c].Name
		if texts[i] = "null"; !values[i].IsNull() {
			texts[i] = def.Columns[c].Type.Text(values[i])
		}
	}
	return fmt.Sprintf("(%s)=(%s)", strings.Join(names, ", "), strings.Join(texts, ", "))
}

func (t *Tx) errForeign(def *table.TableDef, f *table.ForeignKey) *sqlerr.Error {
	return sqlerr.Newf(sqlerr.ForeignKeyViolation, "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
		def.Name, f.Name).On(t.schemaOf(def), def.Name, "").WithConstraint(f.Name)
}

// errNoReferenced says that a row references a key that no row has.
func (t *Tx) errNoReferenced(def *table.TableDef, f *table.ForeignKey, parent *table.TableDef, values types.Row) error {
	return t.errForeign(def, f).WithDetail("Key %s is not present in table \"%s\".", keyText(def, f.Columns, values), parent.Name)
}

// errMatchFull says that some but not all columns of a constraint are NULL.
func (t *Tx) errMatchFull(def *table.TableDef, f *table.ForeignKey) error {
	return t.errForeign(def, f).WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
}

// errReferenced says that a key that a row has lost is still referenced.
func (t *Tx) errReferenced(c *refChange, at int) error {
	e := sqlerr.Newf(sqlerr.ForeignKeyViolation, "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
		c.def.Name, c.foreign.Name, c.child.Name)
	still := "still "
	if c.action() == table.Restrict {
		e = sqlerr.Newf(sqlerr.RestrictViolation,
			"update or delete on table \"%s\" violates RESTRICT setting of foreign key constraint \"%s\" on table \"%s\"",
			c.def.Name, c.foreign.Name, c.child.Name)
		still = ""
	}
	n := len(c.cols)
	return e.WithDetail("Key %s is %sreferenced from table \"%s\".", keyText(c.def, c.cols, c.old[at*n:(at+1)*n]), still, c.child.Name).
		On(t.schemaOf(c.child), c.child.Name, "").WithConstraint(c.foreign.Name)
}

func errTooLarge(k types.Kind) error {
	return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "%s out of range", k)
}

// errPending refuses to change a table of which rows wait for a deferred check.
func errPending(what string, def *table.TableDef) error {
	return sqlerr.Newf(sqlerr.ObjectInUse, "cannot %s \"%s\" because it has pending trigger events", what, def.Name)
}
