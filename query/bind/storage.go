package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// tableOptions adds storage parameters to those of a table. Which there are, and their values, is checked once the rest
// of the definition is known (table.TableDef.CheckStorage).
func tableOptions(def *table.TableDef, options []ast.Option) error {
	seen := map[string]bool{}
	for _, o := range options {
		if o.Columns != nil || o.Star {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter \"%s\"", o.Name).At(o.Pos())
		}
		if seen[o.Name] {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "parameter \"%s\" specified more than once", o.Name).At(o.Pos())
		}
		seen[o.Name] = true
		value := o.Value
		if !o.HasValue {
			value = "true"
		}
		if def.Options == nil {
			def.Options = map[string]string{}
		}
		def.Options[o.Name] = value
	}
	return nil
}

// setOptions is SET (…).
func (a *alteration) setOptions() error { return tableOptions(a.def, a.c.Options) }

// resetOptions is RESET (…): what is not set stays so, whether there is such a parameter or not.
func (a *alteration) resetOptions() error {
	for _, o := range a.c.Options {
		if o.HasValue {
			return sqlerr.New(sqlerr.SyntaxError, "RESET must not include values for parameters")
		}
		delete(a.def.Options, o.Name)
	}
	return nil
}

// compressionOf reads what COMPRESSION of a column names.
func compressionOf(name string) (table.Compression, error) {
	c, ok := table.CompressionByName(name)
	if !ok {
		return c, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid compression method \"%s\"", name)
	}
	return c, nil
}

// setCompression is ALTER COLUMN … SET COMPRESSION.
func (a *alteration) setCompression() error {
	i, err := a.column(a.c.Name)
	if err == nil {
		a.def.Columns[i].Compression, err = compressionOf(a.c.NewName)
	}
	return err
}

// setMethod is SET ACCESS METHOD.
func (a *alteration) setMethod() error {
	if slices.ContainsFunc(a.before, func(c ast.AlterCommand) bool { return c.Kind == ast.SetMethod }) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot have multiple SET ACCESS METHOD subcommands")
	}
	a.def.Method = a.c.NewName
	if a.def.Method == "" {
		a.def.Method = a.b.opts.DefaultMethod
	}
	return nil
}

// checkStorage checks what commands of ALTER TABLE made of the storage parameters of a table that was as in old.
func checkStorage(old, def *table.TableDef, cmds []ast.AlterCommand) error {
	if def.Method == "" {
		return nil // the storage knows its default, and checks then
	}
	for i := range cmds {
		switch cmds[i].Kind {
		case ast.SetOptions, ast.ResetOptions, ast.SetCompression, ast.SetMethod:
			def.FollowColumns(old)
			return def.CheckStorage()
		}
	}
	return nil
}
