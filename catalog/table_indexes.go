package catalog

import (
	"cmp"
	"slices"

	"github.com/laminadb/lamina/table"
)

// indexes returns the indexes of a table by name.
func (o *Overlay) indexes(id table.ObjectID) map[string]*table.IndexDef {
	def := o.cur.Table(id)
	if def == nil {
		return nil
	}
	found := make(map[string]*table.IndexDef, len(def.Keys))
	for i := range def.Keys {
		if ix, ok := o.cur.LookupRelation(def.Schema, def.Keys[i].Name).(*table.IndexDef); ok && ix.Table == id {
			found[ix.Name] = ix
		}
	}
	return found
}

func hasKey(def *table.TableDef, name string) bool {
	return slices.ContainsFunc(def.Keys, func(k table.Key) bool { return k.Name == name })
}

// addIndexes appends the changes that make the indexes of a table those of def: the ones in keep stay
// what they are, as far as def has not moved them.
func (o *Overlay) addIndexes(
	changes []Change, def *table.TableDef, keep map[string]*table.IndexDef,
) ([]Change, error) {
	for i := range def.Keys {
		name := def.Keys[i].Name
		ix := &table.IndexDef{Table: def.ID, Key: i}
		ix.Header = table.Header{Kind: table.KindIndex, Schema: def.Schema, Name: name, Version: 1}
		if was := keep[name]; was != nil {
			ix.ID, ix.Version = was.ID, was.Version+1
			if was.Key == i && was.Schema == def.Schema {
				continue
			}
		} else {
			if name == def.Name || o.cur.find(relations, def.Schema, name) != nil {
				return nil, errTaken(&ix.Header)
			}
			id, err := o.ids.Next()
			if err != nil {
				return nil, err
			}
			ix.ID = id
		}
		changes = append(changes, Change{Put, ix, ix.ID})
	}
	return changes, nil
}

// sortChanges makes the order of changes that were collected from a map the same every time.
func sortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
}
