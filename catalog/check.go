package catalog

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Limits of definitions, those of PostgreSQL where it has one.
const (
	NameBytesMax   = 63
	ColumnsMax     = 1600
	KeyColumnsMax  = 32
	KeysMax        = 256
	ChecksMax      = 1600
	OptionsMax     = 64
	TextBytesMax   = 1 << 20 // of an expression, a view's query, an option or a setting
	ChangesMax     = 1 << 16 // in one transaction
	objectBytesMax = 4 << 20 // of an encoded definition
)

// systemColumns are names that PostgreSQL gives to columns of its own in every table.
var systemColumns = []string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}

// check says what is wrong with a definition on its own, whatever else exists.
func check(o table.Object) error {
	if err := checkName(o.Head().Name); err != nil {
		return err
	}
	switch d := o.(type) {
	case *table.SchemaDef, *table.IndexDef:
		return nil
	case *table.SettingDef:
		return checkText("value of setting", d.Name, d.Value)
	case *table.SequenceDef:
		return checkSequence(d)
	case *table.ViewDef:
		if err := checkText("query of view", d.Name, d.Query); err != nil {
			return err
		}
		return checkColumns(d.Columns)
	case *table.TableDef:
		return checkTable(d)
	}
	return sqlerr.Unsupported(KindName(o.Head().Kind))
}

// checkSequence checks the properties of a sequence, which PostgreSQL checks too when they are written.
func checkSequence(d *table.SequenceDef) error {
	lo, hi := table.SequenceBounds(d.Type)
	bad := func(format string, args ...any) error {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, format, args...)
	}
	switch {
	case hi == 0:
		return bad("sequence type must be smallint, integer, or bigint")
	case d.Increment == 0:
		return bad("INCREMENT must not be zero")
	case d.Max < lo || d.Max > hi:
		return bad("MAXVALUE (%d) is out of range for sequence data type %s", d.Max, d.Type)
	case d.Min < lo || d.Min > hi:
		return bad("MINVALUE (%d) is out of range for sequence data type %s", d.Min, d.Type)
	case d.Min >= d.Max:
		return bad("MINVALUE (%d) must be less than MAXVALUE (%d)", d.Min, d.Max)
	case d.Start < d.Min:
		return bad("START value (%d) cannot be less than MINVALUE (%d)", d.Start, d.Min)
	case d.Start > d.Max:
		return bad("START value (%d) cannot be greater than MAXVALUE (%d)", d.Start, d.Max)
	case d.Cache < 1:
		return bad("CACHE (%d) must be greater than zero", d.Cache)
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return sqlerr.New(sqlerr.SyntaxError, "zero-length delimited identifier")
	case len(name) > NameBytesMax:
		return sqlerr.Newf(sqlerr.NameTooLong, "identifier \"%s\" is longer than %d bytes", name, NameBytesMax)
	case !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
	}
	return nil
}

func checkText(what, name, text string) error {
	if len(text) > TextBytesMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "%s \"%s\" is longer than %d bytes", what, name, TextBytesMax)
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
	}
	return nil
}

func checkTable(d *table.TableDef) error {
	if d.Method == "" || len(d.Method) > NameBytesMax {
		return sqlerr.Newf(sqlerr.UndefinedObject, "access method \"%s\" does not exist", d.Method)
	}
	if err := checkColumns(d.Columns); err != nil {
		return err
	}
	for i := range d.Columns {
		if k := d.Columns[i].Type.Kind; k.IsReg() || k.IsArray() {
			return sqlerr.Unsupported("a column of type " + k.String())
		}
	}
	if err := checkKeys(d); err != nil {
		return err
	}
	if len(d.Checks) > ChecksMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a table can have at most %d check constraints", ChecksMax)
	}
	for i := range d.Checks {
		if err := checkName(d.Checks[i].Name); err != nil {
			return err
		}
		if err := checkText("check constraint", d.Checks[i].Name, d.Checks[i].Expr); err != nil {
			return err
		}
	}
	if err := checkForeign(d); err != nil {
		return err
	}
	if err := checkOptions(d.Options); err != nil {
		return err
	}
	if n := len(appendObject(nil, d)); n > objectBytesMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded,
			"definition of table \"%s\" takes %d bytes, the limit is %d", d.Name, n, objectBytesMax)
	}
	return checkConstraintNames(d)
}

func checkOptions(options map[string]string) error {
	if len(options) > OptionsMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a table can have at most %d storage parameters", OptionsMax)
	}
	for name, value := range options {
		if err := checkName(name); err != nil {
			return err
		}
		if err := checkText("value of storage parameter", name, value); err != nil {
			return err
		}
	}
	return nil
}

func checkColumns(columns []table.Column) error {
	if len(columns) > ColumnsMax {
		return sqlerr.Newf(sqlerr.TooManyColumns, "tables can have at most %d columns", ColumnsMax)
	}
	seen := make(map[string]struct{}, len(columns))
	for i := range columns {
		c := &columns[i]
		if err := checkName(c.Name); err != nil {
			return err
		}
		if slices.Contains(systemColumns, c.Name) {
			return sqlerr.Newf(sqlerr.DuplicateColumn, "column name \"%s\" conflicts with a system column name", c.Name)
		}
		if _, dup := seen[c.Name]; dup {
			return sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", c.Name)
		}
		seen[c.Name] = struct{}{}
		if int(c.Type.Kind) >= types.NumKinds || c.Type.Class() == types.ClassNone {
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "column \"%s\" has pseudo-type %s", c.Name, c.Type.Kind)
		}
		if err := checkText("default of column", c.Name, c.Default); err != nil {
			return err
		}
		if err := checkText("expression of column", c.Name, c.Generated); err != nil {
			return err
		}
	}
	return nil
}

func checkKeys(d *table.TableDef) error {
	if len(d.Keys) > KeysMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a table can have at most %d unique constraints", KeysMax)
	}
	for i := range d.Keys {
		k := &d.Keys[i]
		if err := checkName(k.Name); err != nil {
			return err
		}
		if k.Primary && i > 0 {
			return sqlerr.Newf(sqlerr.InvalidTableDefinition,
				"multiple primary keys for table \"%s\" are not allowed", d.Name)
		}
		if len(k.Columns) == 0 {
			return sqlerr.Newf(sqlerr.InvalidTableDefinition, "constraint \"%s\" has no columns", k.Name)
		}
		if len(k.Columns) > KeyColumnsMax {
			return sqlerr.Newf(sqlerr.TooManyColumns, "cannot use more than %d columns in an index", KeyColumnsMax)
		}
		for j, c := range k.Columns {
			if c < 0 || c >= len(d.Columns) {
				return sqlerr.Newf(sqlerr.UndefinedColumn, "column %d named in key does not exist", c+1)
			}
			if slices.Contains(k.Columns[:j], c) {
				kind := "unique"
				if k.Primary {
					kind = "primary key"
				}
				return sqlerr.Newf(sqlerr.DuplicateColumn,
					"column \"%s\" appears twice in %s constraint", d.Columns[c].Name, kind)
			}
			if k.Primary && !d.Columns[c].NotNull {
				return sqlerr.Newf(sqlerr.InvalidTableDefinition,
					"column \"%s\" is in a primary key", d.Columns[c].Name)
			}
		}
	}
	return nil
}

// checkConstraintNames: constraints of one table have different names.
func checkConstraintNames(d *table.TableDef) error {
	seen := make(map[string]struct{}, len(d.Keys)+len(d.Checks))
	add := func(name string) error {
		if _, dup := seen[name]; dup {
			return sqlerr.Newf(sqlerr.DuplicateObject,
				"constraint \"%s\" for relation \"%s\" already exists", name, d.Name)
		}
		seen[name] = struct{}{}
		return nil
	}
	for i := range d.Keys {
		if err := add(d.Keys[i].Name); err != nil {
			return err
		}
	}
	for i := range d.Checks {
		if err := add(d.Checks[i].Name); err != nil {
			return err
		}
	}
	for i := range d.Foreign {
		if err := add(d.Foreign[i].Name); err != nil {
			return err
		}
	}
	return nil
}
