package catalog

import (
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// TestUncheckedOptions: a definition of a program that did not check storage parameters is read, and stays as it is until
// the parameters are changed.
func TestUncheckedOptions(t *testing.T) {
	o := newOverlay()
	id, err := o.Create(newTable("old", "old_pkey"))
	if err != nil {
		t.Fatal(err)
	}
	unchecked := o.Catalog().Table(id).CloneObject().(*table.TableDef)
	unchecked.Options = map[string]string{"x": "1", "sort_key": "nosuch"}
	unchecked.Version++
	c, err := o.Catalog().Apply(1, []Change{{Put, unchecked, id}})
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err = Decode(c.Append(nil)); err != nil {
		t.Fatal(err)
	}
	var ids IDs
	ids.Seed(c)
	o = NewOverlay(c, &ids)
	alter := func(f func(d *table.TableDef)) error {
		d := o.Catalog().Table(id).CloneObject().(*table.TableDef)
		f(d)
		return o.Alter(d)
	}
	if err := alter(func(d *table.TableDef) { d.Name = "other" }); err != nil {
		t.Error(err)
	}
	if err := alter(func(d *table.TableDef) { d.Method = "columnar" }); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
		t.Error(err)
	}
	if err := alter(func(d *table.TableDef) { d.Options["x"] = "2" }); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
		t.Error(err)
	}
	if s, err := o.Catalog().Table(id).Storage(); err == nil || s.SortKey != nil || len(s.Columns) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := alter(func(d *table.TableDef) { d.Options = nil }); err != nil {
		t.Error(err)
	}
	if err := alter(func(d *table.TableDef) { d.Options = map[string]string{"x": "1"} }); sqlerr.CodeOf(err) != sqlerr.InvalidParameterValue {
		t.Error(err)
	}
}
