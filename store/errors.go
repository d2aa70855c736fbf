package store

import (
	"errors"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

var (
	errConcurrentUpdate = sqlerr.New(sqlerr.SerializationFailure,
		"could not serialize access due to concurrent update")
	errConcurrentDelete = sqlerr.New(sqlerr.SerializationFailure,
		"could not serialize access due to concurrent delete")
	errTxEnded        = sqlerr.New(sqlerr.InvalidTransactionState, "the transaction has ended")
	errStatementEnded = sqlerr.New(sqlerr.InvalidTransactionState, "the statement has ended")
	errClosed         = sqlerr.New(sqlerr.AdminShutdown, "the storage is closed")
)

func errReadOnly(what string) error {
	return sqlerr.Newf(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", what)
}

// textBytesMax bounds a value, textColumnsMax the columns of a row, in the detail of an error.
const (
	textBytesMax   = 64
	textColumnsMax = 64
)

// errDuplicate says that a unique key has two rows with the same values.
func (s *Store) errDuplicate(t *Tx, def *table.TableDef, k int, values types.Row) error {
	names, texts := make([]string, len(values)), make([]string, len(values))
	for i, c := range def.Keys[k].Columns {
		names[i] = quoteName(def.Columns[c].Name)
		texts[i] = def.Columns[c].Type.Text(values[i])
	}
	return sqlerr.Newf(sqlerr.UniqueViolation, "duplicate key value violates unique constraint \"%s\"", def.Keys[k].Name).
		WithDetail("Key (%s)=(%s) already exists.", strings.Join(names, ", "), strings.Join(texts, ", ")).
		On(t.schemaOf(def), def.Name, "").WithConstraint(def.Keys[k].Name)
}

// errNotUnique says that the rows of a table violate a unique key that it is to get.
func (t *Tx) errNotUnique(def *table.TableDef, k int, values types.Row) error {
	e, _ := errors.AsType[*sqlerr.Error](t.s.errDuplicate(t, def, k, values))
	e = e.WithMessage("could not create unique index \"%s\"", def.Keys[k].Name)
	return e.WithDetail("%s", strings.TrimSuffix(e.Detail, "already exists.")+"is duplicated.")
}

// errNotNull says that a column that must have a value has none.
func (s *Store) errNotNull(t *Tx, def *table.TableDef, col int, row types.Row) error {
	return sqlerr.Newf(sqlerr.NotNullViolation,
		"null value in column \"%s\" of relation \"%s\" violates not-null constraint", def.Columns[col].Name, def.Name).
		WithDetail("Failing row contains (%s).", rowText(def, row)).
		On(t.schemaOf(def), def.Name, def.Columns[col].Name)
}

// located names the schema in an error of a compiled check, which knows only the table.
func (t *Tx) located(def *table.TableDef, err error) error {
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.Table != def.Name || e.Schema != "" {
		return err
	}
	return e.On(t.schemaOf(def), e.Table, e.Column)
}

func (t *Tx) schemaOf(def *table.TableDef) string {
	if o := t.catalog().ByID(def.Schema); o != nil {
		return o.Head().Name
	}
	return ""
}

// rowText prints a row as PostgreSQL does in details: long values are cut.
func rowText(def *table.TableDef, row types.Row) string {
	var b strings.Builder
	for i := range def.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == textColumnsMax {
			b.WriteString("...")
			break
		}
		if row[i].IsNull() {
			b.WriteString("null")
			continue
		}
		text := def.Columns[i].Type.Text(row[i])
		if len(text) > textBytesMax {
			cut := textBytesMax
			for cut > 0 && text[cut]&0xc0 == 0x80 { // not within a character
				cut--
			}
			text = text[:cut] + "..."
		}
		b.WriteString(text)
	}
	return b.String()
}

// quoteName prints an identifier, in quotes if SQL needs them.
func quoteName(name string) string {
	plain := name != ""
	for i, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '$')) {
			plain = false
		}
	}
	if plain {
		return name
	}
	return "\"" + strings.ReplaceAll(name, "\"", "\"\"") + "\""
}
