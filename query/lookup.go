package query

import (
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// FindTable finds a table by its name as written in SQL: folded to lower case unless quoted, in schema public
// unless qualified.
func FindTable(schema table.Schema, name string) (*table.TableDef, error) {
	parts, ok := splitName(name)
	if !ok || len(parts) > 2 {
		return nil, sqlerr.Newf(sqlerr.InvalidName, "invalid name syntax: %q", name)
	}
	space := "public"
	if len(parts) == 2 {
		space = parts[0]
	}
	o := schema.Lookup(table.KindSchema, 0, space)
	if o == nil {
		return nil, sqlerr.Newf(sqlerr.InvalidSchemaName, "schema %q does not exist", space)
	}
	rel := schema.LookupRelation(o.Head().ID, parts[len(parts)-1])
	if rel == nil {
		return nil, sqlerr.Newf(sqlerr.UndefinedTable, "relation %q does not exist", name)
	}
	def, ok := rel.(*table.TableDef)
	if !ok {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a table", name)
	}
	return def, nil
}

// splitName splits a dotted name into its parts.
func splitName(name string) (parts []string, ok bool) {
	for {
		part := ""
		if strings.HasPrefix(name, `"`) {
			end := 1
			for ; end < len(name); end++ {
				if name[end] != '"' {
					continue
				}
				if end+1 < len(name) && name[end+1] == '"' {
					end++
					continue
				}
				break
			}
			if end >= len(name) {
				return nil, false
			}
			part, name = strings.ReplaceAll(name[1:end], `""`, `"`), name[end+1:]
		} else {
			end := strings.IndexByte(name, '.')
			if end < 0 {
				end = len(name)
			}
			part, name = strings.ToLower(name[:end]), name[end:]
		}
		if part == "" {
			return nil, false
		}
		parts = append(parts, part)
		if name == "" {
			return parts, true
		}
		if name[0] != '.' {
			return nil, false
		}
		name = name[1:]
	}
}
