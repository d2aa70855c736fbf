package catalog

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// TestForeignKeys: what becomes referenced gets another version and stays what is referenced; catalogs with references come
// out of their encoding as they went in.
func TestForeignKeys(t *testing.T) {
	o := newOverlay()
	p := mustCreate(t, o, newTable("p", "p_pkey", "p_b_key"))
	child := newTable("c")
	child.Foreign = []table.ForeignKey{
		{Name: "one", Columns: []int{0}, Table: p, RefColumns: []uint32{1}, OnDelete: table.SetNull, SetColumns: []int{0}, Full: true},
		{Name: "two", Columns: []int{1}, Table: p, RefColumns: []uint32{2}, OnUpdate: table.Cascade, Deferrable: true, Deferred: true, NotValid: true},
	}
	c := mustCreate(t, o, child)
	if v := o.Catalog().Table(p).Version; v != 2 {
		t.Errorf("the referenced table has version %d", v)
	}
	self := newTable("s", "s_pkey")
	self.Foreign = []table.ForeignKey{{Name: "own", Columns: []int{0}, RefColumns: []uint32{1}}}
	s := mustCreate(t, o, self)
	if got := o.Catalog().Referencing(p); len(got) != 1 || got[0].ID != c {
		t.Errorf("p is referenced by %v", got)
	}
	if f := o.Catalog().Table(s).Foreign[0]; f.Table != s || f.ID == 0 || f.ID >= o.Catalog().NextID() {
		t.Errorf("a table that references itself: %+v", f)
	}
	wantError(t, o.Drop(p), sqlerr.DependentObjectsStillExist, "cannot drop table p because other objects depend on it")
	def := o.Catalog().Table(p).CloneObject().(*table.TableDef)
	def.Keys = def.Keys[:1]
	wantError(t, o.Alter(def), sqlerr.DependentObjectsStillExist, "cannot alter table p because other objects depend on it")

	decoded, rest, err := Decode(o.Catalog().Append(nil))
	if err != nil || len(rest) > 0 {
		t.Fatal(err, len(rest))
	}
	replayed := replay(t, New(), o.Changes())
	for _, x := range []*Catalog{decoded, replayed} {
		if !reflect.DeepEqual(x.Table(c), o.Catalog().Table(c)) || len(x.Referencing(p)) != 1 || len(x.Referencing(s)) != 1 {
			t.Errorf("%+v, want %+v", x.Table(c), o.Catalog().Table(c))
		}
	}
	if err := o.Drop(s); err != nil {
		t.Error(err)
	}
	if err := o.Drop(c); err != nil {
		t.Error(err)
	}
	if err := o.Drop(p); err != nil || o.Catalog().refs.Len() != 0 {
		t.Error(err, o.Catalog().refs.Len())
	}
}

// TestForeignLimits: what a definition cannot have.
func TestForeignLimits(t *testing.T) {
	o := newOverlay()
	p := mustCreate(t, o, newTable("p", "p_pkey"))
	for _, c := range []struct {
		f    table.ForeignKey
		code sqlerr.Code
	}{
		{table.ForeignKey{Columns: []int{0}, Table: p}, sqlerr.InvalidForeignKey},
		{table.ForeignKey{Columns: []int{0}, Table: p, RefColumns: []uint32{2}}, sqlerr.InvalidForeignKey},
		{table.ForeignKey{Columns: []int{2}, Table: p, RefColumns: []uint32{1}}, sqlerr.DatatypeMismatch},
		{table.ForeignKey{Columns: []int{7}, Table: p, RefColumns: []uint32{1}}, sqlerr.UndefinedColumn},
		{table.ForeignKey{Columns: []int{0}, Table: 9999, RefColumns: []uint32{1}}, sqlerr.UndefinedTable},
		{table.ForeignKey{Columns: []int{0}, Table: p, RefColumns: []uint32{1}, OnDelete: 9}, sqlerr.InvalidTableDefinition},
		{table.ForeignKey{Columns: []int{0}, Table: p, RefColumns: []uint32{1}, Deferred: true}, sqlerr.SyntaxError},
		{table.ForeignKey{Columns: []int{0}, Table: p, RefColumns: []uint32{1}, SetColumns: []int{0}}, sqlerr.InvalidTableDefinition},
	} {
		c.f.Name = "f"
		d := newTable("c")
		d.Foreign = []table.ForeignKey{c.f}
		if _, err := o.Create(d); sqlerr.CodeOf(err) != c.code {
			t.Errorf("%+v: %v, want %s", c.f, err, c.code)
		}
	}
	d := newTable("many")
	for i := range ForeignMax + 1 {
		d.Foreign = append(d.Foreign, table.ForeignKey{Name: fmt.Sprintf("f%d", i), Columns: []int{0}, Table: p, RefColumns: []uint32{1}})
	}
	_, err := o.Create(d)
	wantError(t, err, sqlerr.ProgramLimitExceeded, "a table can have at most 256 foreign keys")
	d.Foreign = d.Foreign[:ForeignMax]
	mustCreate(t, o, d)
}
