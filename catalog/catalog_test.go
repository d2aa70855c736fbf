package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

func newTable(name string, keys ...string) *table.TableDef {
	d := &table.TableDef{Method: "memory"}
	d.Schema, d.Name = table.PublicSchema, name
	d.Columns = []table.Column{
		{Name: "a", Type: types.T(types.Int8)},
		{Name: "b", Type: types.VarcharN(10), Default: "'x'"},
		{Name: "c", Type: types.NumericPS(15, 2)},
	}
	for i, k := range keys {
		d.Keys = append(d.Keys, table.Key{Name: k, Primary: i == 0, Columns: []int{i}})
	}
	return d
}

func newOverlay() *Overlay {
	ids := new(IDs)
	c := New()
	ids.Seed(c)
	return NewOverlay(c, ids)
}

func mustCreate(t *testing.T, o *Overlay, obj table.Object) table.ObjectID {
	t.Helper()
	id, err := o.Create(obj)
	if err != nil {
		t.Fatalf("create %s: %v", obj.Head().Name, err)
	}
	return id
}

func wantError(t *testing.T, err error, code sqlerr.Code, text string) {
	t.Helper()
	if sqlerr.CodeOf(err) != code || err.Error() != text {
		t.Fatalf("got %v %q, want %s %q", sqlerr.CodeOf(err), err, code, text)
	}
}

func TestBuiltin(t *testing.T) {
	c := New()
	for name, id := range map[string]table.ObjectID{
		"public": 2200, "pg_catalog": 11, "information_schema": InformationSchema,
	} {
		o := c.Lookup(table.KindSchema, 0, name)
		if o == nil || o.Head().ID != id {
			t.Errorf("schema %s: %v", name, o)
		}
	}
	if c.Lookup(table.KindSchema, 0, "nope") != nil || c.LookupRelation(2200, "public") != nil {
		t.Error("found what is not there")
	}
}

func TestCreateAlterDrop(t *testing.T) {
	o := newOverlay()
	base := o.Catalog()
	id := mustCreate(t, o, newTable("t", "t_pkey", "t_b_key"))
	if id != table.FirstObjectID {
		t.Errorf("first ID is %d", id)
	}
	def := o.Catalog().Table(id)
	if def.Version != 1 || !def.Columns[0].NotNull || def.Columns[1].NotNull {
		t.Errorf("definition %+v", def)
	}
	ix, ok := o.Catalog().LookupRelation(table.PublicSchema, "t_b_key").(*table.IndexDef)
	if !ok || ix.Table != id || ix.Key != 1 {
		t.Fatalf("index %+v", ix)
	}
	if base.Table(id) != nil || base.Version() == o.Catalog().Version() {
		t.Error("the base has changed")
	}

	renamed := def.CloneObject().(*table.TableDef)
	renamed.Name = "u"
	renamed.Keys = []table.Key{renamed.Keys[1], {Name: "u_c_key", Columns: []int{2}}}
	if err := o.Alter(renamed); err != nil {
		t.Fatal(err)
	}
	c := o.Catalog()
	if c.LookupRelation(table.PublicSchema, "t") != nil || c.LookupRelation(table.PublicSchema, "t_pkey") != nil {
		t.Error("old names remain")
	}
	moved := c.LookupRelation(table.PublicSchema, "t_b_key").(*table.IndexDef)
	if moved.ID != ix.ID || moved.Key != 0 || moved.Version != 2 {
		t.Errorf("index that moved: %+v", moved)
	}
	if c.Table(id).Version != 2 || c.TableVersion(id, 1) != def || c.TableVersion(id, 3) != nil {
		t.Error("versions of the table")
	}
	if err := o.Drop(id); err != nil {
		t.Fatal(err)
	}
	if o.Catalog().Len() != base.Len() || len(o.Catalog().Relations(table.PublicSchema)) != 0 {
		t.Errorf("%d objects remain", o.Catalog().Len())
	}
	if o.Catalog().TableVersion(id, 2) == nil {
		t.Error("definition of the dropped table is forgotten")
	}
	if o.Catalog().NextID() != base.NextID()+4 {
		t.Errorf("next ID %d", o.Catalog().NextID())
	}
}

func TestUndo(t *testing.T) {
	o := newOverlay()
	mustCreate(t, o, newTable("t", "t_pkey"))
	mark := o.Mark()
	before := o.Catalog()
	mustCreate(t, o, newTable("u"))
	if err := o.Drop(before.LookupRelation(table.PublicSchema, "t").Head().ID); err != nil {
		t.Fatal(err)
	}
	o.Undo(mark)
	if got, want := o.Catalog().Append(nil), before.Append(nil); !bytes.Equal(got, want) {
		t.Error("undo left something behind")
	}
	o.Undo(0)
	if o.Catalog() != o.Base() {
		t.Error("undo of everything is not the base")
	}
}

func TestRebase(t *testing.T) {
	o := newOverlay()
	mustCreate(t, o, newTable("t", "t_pkey"))
	other := NewOverlay(o.Base(), o.ids)
	mustCreate(t, other, newTable("u", "u_pkey"))
	next, err := o.Base().Apply(5, other.Changes())
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Rebase(next); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t", "u", "t_pkey", "u_pkey"} {
		if o.Catalog().LookupRelation(table.PublicSchema, name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
	clash := NewOverlay(o.Base(), o.ids)
	clash.Reset(New())
	mustCreate(t, clash, newTable("u"))
	if err := clash.Rebase(next); sqlerr.CodeOf(err) != sqlerr.SerializationFailure {
		t.Errorf("clash of names: %v", err)
	}
}

func TestErrors(t *testing.T) {
	o := newOverlay()
	id := mustCreate(t, o, newTable("t", "t_pkey"))
	s := mustCreate(t, o, &table.SchemaDef{Header: table.Header{Name: "s"}})
	inS := newTable("x", "x_pkey")
	inS.Schema = s
	mustCreate(t, o, inS)
	wide := newTable("w")
	wide.Columns = nil
	for i := range ColumnsMax + 1 {
		wide.Columns = append(wide.Columns, table.Column{Name: fmt.Sprint("c", i), Type: types.T(types.Int4)})
	}
	change := func(f func(*table.TableDef)) *table.TableDef {
		d := newTable("v", "v_pkey", "v_key")
		f(d)
		return d
	}
	create := []struct {
		name string
		obj  table.Object
		code sqlerr.Code
		text string
	}{
		{"table", newTable("t"), "42P07", `relation "t" already exists`},
		{"index name", newTable("z", "t_pkey"), "42P07", `relation "t_pkey" already exists`},
		{"own index name", newTable("z", "z"), "42P07", `relation "z" already exists`},
		{"view", &table.ViewDef{Header: table.Header{Name: "t", Schema: 2200}}, "42P07", `relation "t" already exists`},
		{"schema", &table.SchemaDef{Header: table.Header{Name: "s"}}, "42P06", `schema "s" already exists`},
		{"pg_", &table.SchemaDef{Header: table.Header{Name: "pg_x"}}, "42939", `unacceptable schema name "pg_x"`},
		{"no schema", change(func(d *table.TableDef) { d.Schema = 99999 }), "3F000", "schema with OID 99999 does not exist"},
		{"system schema", change(func(d *table.TableDef) { d.Schema = 11 }), "42501", `permission denied to create "pg_catalog.v"`},
		{"too wide", wide, "54011", "tables can have at most 1600 columns"},
		{"column twice", change(func(d *table.TableDef) { d.Columns[1].Name = "a" }), "42701", `column "a" specified more than once`},
		{"system column", change(func(d *table.TableDef) { d.Columns[1].Name = "xmin" }), "42701",
			`column name "xmin" conflicts with a system column name`},
		{"pseudo-type", change(func(d *table.TableDef) { d.Columns[0].Type = types.T(types.Record) }), "42P16",
			`column "a" has pseudo-type record`},
		{"key column twice", change(func(d *table.TableDef) { d.Keys[0].Columns = []int{1, 1} }), "42701",
			`column "b" appears twice in primary key constraint`},
		{"key column", change(func(d *table.TableDef) { d.Keys[1].Columns = []int{3} }), "42703", "column 4 named in key does not exist"},
		{"two primary keys", change(func(d *table.TableDef) { d.Keys[1].Primary = true }), "42P16",
			`multiple primary keys for table "v" are not allowed`},
		{"constraint twice", change(func(d *table.TableDef) { d.Checks = []table.Check{{Name: "v_key", Expr: "true"}} }), "42710",
			`constraint "v_key" for relation "v" already exists`},
		{"long name", change(func(d *table.TableDef) { d.Name = strings.Repeat("n", 64) }), "42622",
			`identifier "` + strings.Repeat("n", 64) + `" is longer than 63 bytes`},
		{"no name", change(func(d *table.TableDef) { d.Name = "" }), "42601", "zero-length delimited identifier"},
		{"bad name", change(func(d *table.TableDef) { d.Name = "\xff" }), "22021", `invalid byte sequence for encoding "UTF8"`},
		{"index", &table.IndexDef{}, "0A000", "creating or altering an index apart from its constraint is not supported"},
		{"sequence", &table.SchemaDef{Header: table.Header{Kind: table.KindSequence}}, "0A000",
			"creating or altering a sequence is not supported"},
	}
	version := o.Catalog().Version()
	for _, c := range create {
		t.Run(c.name, func(t *testing.T) {
			_, err := o.Create(c.obj)
			wantError(t, err, c.code, c.text)
		})
	}
	drop := []struct {
		id   table.ObjectID
		code sqlerr.Code
		text string
	}{
		{s, "2BP01", "cannot drop schema s because other objects depend on it"},
		{PgCatalogSchema, "2BP01", "cannot drop schema pg_catalog because it is required by the database system"},
		{id + 1, "2BP01", "cannot drop index t_pkey because constraint t_pkey on table t requires it"},
		{77777, "42P01", "relation with OID 77777 does not exist"},
	}
	for _, c := range drop {
		wantError(t, o.Drop(c.id), c.code, c.text)
	}
	e := sqlerr.From(o.Drop(s))
	if e.Detail != "table s.x depends on schema s" || e.Hint != cascadeHint {
		t.Errorf("detail %q, hint %q", e.Detail, e.Hint)
	}
	if o.Catalog().Version() != version {
		t.Error("a failed change has changed the catalog")
	}
	clash := o.Catalog().Table(id).CloneObject().(*table.TableDef)
	clash.Name = "t_pkey"
	wantError(t, o.Alter(clash), "42P07", `relation "t_pkey" already exists`)
}

func TestSettings(t *testing.T) {
	o := newOverlay()
	id := mustCreate(t, o, &table.SettingDef{Header: table.Header{Name: "work_mem"}, Value: "1MB"})
	if again := mustCreate(t, o, &table.SettingDef{Header: table.Header{Name: "work_mem"}, Value: "2MB"}); again != id {
		t.Errorf("replacing a setting gives it ID %d, not %d", again, id)
	}
	d := o.Catalog().Lookup(table.KindSetting, 0, "work_mem").(*table.SettingDef)
	if d.Value != "2MB" || d.Version != 2 {
		t.Errorf("%+v", d)
	}
}

func TestForget(t *testing.T) {
	o := newOverlay()
	id := mustCreate(t, o, newTable("t"))
	c, _ := o.Base().Apply(3, o.Changes())
	o.Reset(c)
	if err := o.Alter(c.Table(id)); err != nil {
		t.Fatal(err)
	}
	c, _ = c.Apply(7, o.Changes())
	if c.Forget(6).TableVersion(id, 1) == nil {
		t.Error("forgotten too early")
	}
	if c.Forget(7).TableVersion(id, 1) != nil || c.Forget(7).TableVersion(id, 2) == nil {
		t.Error("forgets the wrong version")
	}
}

// TestRandomChanges makes random changes with random undoing, and checks that the changes that
// remain, encoded and replayed on the base, give the same catalog, as does its own encoding.
func TestRandomChanges(t *testing.T) {
	const seed = 42
	rng := rand.New(rand.NewPCG(seed, 0))
	var made, undone, refused int
	for range 60 {
		o := newOverlay()
		base := o.Base()
		var marks []int
		for range 60 {
			switch rng.IntN(10) {
			case 0:
				marks = append(marks, o.Mark())
			case 1:
				if len(marks) > 0 {
					i := rng.IntN(len(marks))
					if o.Mark() > marks[i] {
						undone++
					}
					o.Undo(marks[i])
					marks = marks[:i+1]
				}
			default:
				if err := randomChange(rng, o); err == nil {
					made++
				} else if sqlerr.CodeOf(err) == sqlerr.InternalError {
					t.Fatal(err)
				} else {
					refused++
				}
			}
		}
		replayed := replay(t, base, o.Changes())
		want := o.Catalog().Append(nil)
		if got := replayed.Append(nil); !bytes.Equal(got, want) {
			t.Fatal("replay gives another catalog")
		}
		decoded, rest, err := Decode(want)
		if err != nil || len(rest) != 0 {
			t.Fatalf("decode: %v, %d bytes left", err, len(rest))
		}
		if !bytes.Equal(decoded.Append(nil), want) || !sameNames(decoded, o.Catalog()) {
			t.Fatal("decoding gives another catalog")
		}
	}
	t.Logf("seed %d: %d changes, %d undone, %d refused", seed, made, undone, refused)
	if made < 1000 || undone < 50 || refused < 100 {
		t.Error("too few changes of a kind")
	}
}

func sameNames(a, b *Catalog) bool { return reflect.DeepEqual(a.names.Keys(), b.names.Keys()) }

func replay(t *testing.T, base *Catalog, changes []Change) *Catalog {
	t.Helper()
	b := AppendChanges(nil, changes)
	decoded, rest, err := DecodeChanges(append(b, 0xee))
	if err != nil || len(rest) != 1 || len(decoded) != len(changes) {
		t.Fatalf("decode of %d changes: %d, %d bytes left, %v", len(changes), len(decoded), len(rest), err)
	}
	c, err := base.Apply(table.MaxLSN, decoded)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func randomChange(rng *rand.Rand, o *Overlay) error {
	names := []string{"t", "u", "v", "t_pkey", "w", "u_key"}
	name := func() string { return names[rng.IntN(len(names))] }
	all := append(o.Catalog().List(table.KindTable), o.Catalog().List(table.KindView)...)
	all = append(all, o.Catalog().List(table.KindSchema)...)
	all = append(all, o.Catalog().List(table.KindIndex)...)
	all = append(all, o.Catalog().List(table.KindSequence)...)
	some := all[rng.IntN(len(all))]
	schema := table.PublicSchema
	if s := o.Catalog().List(table.KindSchema); rng.IntN(2) == 0 {
		schema = s[rng.IntN(len(s))].Head().ID
	}
	switch rng.IntN(9) {
	case 8:
		q := &table.SequenceDef{Type: types.Int4, Start: 5, Increment: -1, Min: -7, Max: 5, Cache: 2, Cycle: true, Identity: rng.IntN(2) == 0}
		q.Schema, q.Name = schema, name()
		if d, ok := some.(*table.TableDef); ok {
			q.Owner, q.OwnerColumn = d.ID, d.Columns[rng.IntN(len(d.Columns))].ID
		}
		_, err := o.Create(q)
		return err
	case 0, 1:
		d := newTable(name(), []string{name(), name()}[:rng.IntN(3)]...)
		d.Schema = schema
		if rng.IntN(2) == 0 {
			d.Method = "columnar"
			d.Options = map[string]string{"sort_key": d.Columns[0].Name, "row_group_rows": "4096"}
			d.Columns[0].Compression = table.CompressionZstd
			d.Checks = []table.Check{{Name: "ck", Expr: "a > 0"}}
		}
		_, err := o.Create(d)
		return err
	case 2:
		_, err := o.Create(&table.ViewDef{Header: table.Header{Name: name(), Schema: schema}, Query: "select 1"})
		return err
	case 3:
		_, err := o.Create(&table.SchemaDef{Header: table.Header{Name: name()}})
		return err
	case 4:
		_, err := o.Create(&table.SettingDef{Header: table.Header{Name: name()}, Value: name()})
		return err
	case 5, 6:
		d := some.CloneObject()
		d.Head().Name = name()
		if t, ok := d.(*table.TableDef); ok {
			t.Schema = schema
			if rng.IntN(2) == 0 && len(t.Keys) > 0 {
				t.Keys = t.Keys[1:]
			}
			randomColumns(rng, t)
		}
		return o.Alter(d)
	}
	return o.Drop(some.Head().ID)
}

// randomColumns adds, drops and changes columns at the end of a table.
func randomColumns(rng *rand.Rand, d *table.TableDef) {
	last := &d.Columns[len(d.Columns)-1]
	switch rng.IntN(6) {
	case 0:
		d.Columns = append(d.Columns, table.Column{Name: fmt.Sprint("n", rng.IntN(1e6)), Type: types.T(types.Int8)})
	case 1:
		if len(d.Columns) > 3 {
			d.Columns = d.Columns[:len(d.Columns)-1]
			d.Layout++
		}
	case 2:
		last.Identity = table.Identity(rng.IntN(3))
	case 3:
		last.Generated, last.Virtual = "a + 1", rng.IntN(2) == 0
	case 4:
		last.Generated, last.Virtual = "", false
	}
}

// TestColumnIDs: a column keeps its ID, and no other ever gets it.
func TestColumnIDs(t *testing.T) {
	o := newOverlay()
	id := mustCreate(t, o, newTable("t"))
	seen := map[uint32]string{}
	for round := range 20 {
		d := o.Catalog().Table(id).CloneObject().(*table.TableDef)
		if round%3 == 2 {
			d.Columns = d.Columns[1:]
		} else {
			d.Columns = append(d.Columns, table.Column{Name: fmt.Sprint("c", round), Type: types.T(types.Int4)})
		}
		if err := o.Alter(d); err != nil {
			t.Fatal(err)
		}
		decoded, _, err := Decode(o.Catalog().Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(decoded.Table(id), o.Catalog().Table(id)) {
			t.Fatalf("round %d: decoded %+v", round, decoded.Table(id))
		}
		for _, c := range o.Catalog().Table(id).Columns {
			if was, there := seen[c.ID]; c.ID == 0 || there && was != c.Name {
				t.Fatalf("round %d: column %s has the ID %d of column %s", round, c.Name, c.ID, was)
			}
			seen[c.ID] = c.Name
		}
	}
	if len(seen) != 3+14 {
		t.Errorf("%d columns", len(seen))
	}
}

func TestApplyDamage(t *testing.T) {
	o := newOverlay()
	id := mustCreate(t, o, newTable("t", "t_pkey"))
	changes := o.Changes()
	twice := append(append([]Change(nil), changes...), Change{Put, newTable("t"), id + 10})
	twice[2].Object.Head().ID, twice[2].Object.Head().Kind = id+10, table.KindTable
	other := &table.ViewDef{Header: table.Header{ID: id, Kind: table.KindView, Schema: 2200, Name: "v"}}
	lost := &table.ViewDef{Header: table.Header{ID: 50000, Kind: table.KindView, Schema: 40000, Name: "v"}}
	for name, list := range map[string][]Change{
		"drop of nothing": {{Op: Drop, ID: 12345}},
		"same name":       twice,
		"other kind":      append(append([]Change(nil), changes...), Change{Put, other, id}),
		"no schema":       {{Put, lost, 50000}},
	} {
		if _, err := New().Apply(1, list); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeDamage(t *testing.T) {
	o := newOverlay()
	mustCreate(t, o, newTable("t", "t_pkey", "t_b_key"))
	mustCreate(t, o, &table.ViewDef{Header: table.Header{Name: "v", Schema: 2200}, Query: "select 1"})
	odd := newTable("odd")
	odd.Columns[1].Identity, odd.Columns[2].Generated = table.IdentityAlways, "a"
	id := mustCreate(t, o, odd)
	odd = o.Catalog().Table(id).CloneObject().(*table.TableDef)
	odd.Columns, odd.Layout = odd.Columns[1:], 7
	if err := o.Alter(odd); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, o, &table.SequenceDef{Header: table.Header{Name: "s", Schema: 2200}, Type: types.Int8, Start: 1, Increment: 1, Min: 1, Max: 9, Cache: 1})
	whole := o.Catalog().Append(nil)
	for n := range len(whole) {
		if _, _, err := Decode(whole[:n]); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Fatalf("first %d of %d bytes: %v", n, len(whole), err)
		}
	}
	changes := AppendChanges(nil, o.Changes())
	for n := range len(changes) {
		if _, _, err := DecodeChanges(changes[:n]); sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
			t.Fatalf("first %d of %d bytes of changes: %v", n, len(changes), err)
		}
	}
	if _, err := (&IDs{}).Next(); err != nil {
		t.Fatal(err)
	}
	full := new(IDs)
	full.next.Store(1<<32 - 1)
	if _, err := full.Next(); !errors.Is(err, err) || sqlerr.CodeOf(err) != sqlerr.ProgramLimitExceeded {
		t.Errorf("IDs used up: %v", err)
	}
}

func FuzzDecodeChanges(f *testing.F) {
	o := newOverlay()
	if _, err := o.Create(newTable("t", "t_pkey")); err != nil {
		f.Fatal(err)
	}
	f.Add(AppendChanges(nil, o.Changes()))
	f.Add(AppendChanges(nil, []Change{{Op: Drop, ID: 16384}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		changes, rest, err := DecodeChanges(b)
		if err != nil {
			if sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
				t.Fatal(err)
			}
			return
		}
		again, _, err := DecodeChanges(AppendChanges(nil, changes))
		if err != nil || !reflect.DeepEqual(again, changes) {
			t.Fatalf("changes do not survive: %v", err)
		}
		if len(rest) > len(b) {
			t.Fatal("more left than given")
		}
		_, _ = New().Apply(1, changes)
	})
}

func FuzzDecode(f *testing.F) {
	o := newOverlay()
	if _, err := o.Create(newTable("t", "t_pkey")); err != nil {
		f.Fatal(err)
	}
	f.Add(o.Catalog().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _, err := Decode(b)
		if err != nil {
			return
		}
		again, _, err := Decode(c.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), c.Append(nil)) {
			t.Fatalf("catalog does not survive: %v", err)
		}
	})
}
