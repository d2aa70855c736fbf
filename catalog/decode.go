package catalog

import (
	"encoding/binary"
	"math"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// DecodeChanges decodes what AppendChanges wrote and returns the bytes that follow it. The changes
// share no memory with b. Whatever b holds, the answer is changes that pass every check of a single
// definition, or an error.
func DecodeChanges(b []byte) (changes []Change, rest []byte, err error) {
	r := reader{b: b}
	n := r.count(ChangesMax, 2)
	if n > 0 {
		changes = make([]Change, 0, n)
	}
	for range n {
		switch op := Op(r.byte()); {
		case r.err != nil:
		case op == Put:
			o := r.sized()
			if r.err == nil {
				changes = append(changes, Change{Put, o, o.Head().ID})
			}
		case op == Drop:
			changes = append(changes, Change{Op: Drop, ID: r.id()})
		default:
			r.fail("unknown change %d", op)
		}
		if r.err != nil {
			return nil, nil, r.err
		}
	}
	return changes, r.b, r.err
}

// Decode decodes what Append wrote and returns the bytes that follow it.
func Decode(b []byte) (c *Catalog, rest []byte, err error) {
	r := reader{b: b}
	c = New()
	c.nextID = r.id()
	var list []table.Object
	for range r.count(math.MaxInt32, minObjectBytes) {
		list = append(list, r.sized())
		if r.err != nil {
			return nil, nil, r.err
		}
	}
	if err := c.linkAll(list); err != nil {
		return nil, nil, err
	}
	for range r.count(math.MaxInt32, minObjectBytes) {
		lsn := table.LSN(r.uvarint())
		def, ok := r.sized().(*table.TableDef)
		if r.err != nil {
			return nil, nil, r.err
		}
		if !ok || lsn > table.MaxLSN || def.ID >= c.nextID {
			return nil, nil, corrupted("former definition that is not one of a table")
		}
		c.old.Set(oldKey(def.ID, def.Version), oldTable{def, lsn})
	}
	return c, r.b, r.err
}

// linkAll replaces the content of a new catalog by list.
func (c *Catalog) linkAll(list []table.Object) error {
	for _, s := range builtinSchemas() {
		c.unlink(s)
	}
	for _, pass := range []bool{true, false} { // schemas first
		for _, o := range list {
			h := o.Head()
			if (h.Kind == table.KindSchema) != pass {
				continue
			}
			if h.ID >= c.nextID || c.ByID(h.ID) != nil {
				return corrupted("object %d occurs twice or was never created", h.ID)
			}
			if err := c.apply(&Change{Put, o, h.ID}, 0); err != nil {
				return err
			}
		}
	}
	if err := c.checkReferences(); err != nil {
		return err
	}
	return c.checkIndexes()
}

// checkReferences checks that each foreign key references a key that is there.
func (c *Catalog) checkReferences() (err error) {
	c.objects.Scan(func(_ table.ObjectID, o table.Object) bool {
		def, ok := o.(*table.TableDef)
		for i := 0; ok && err == nil && i < len(def.Foreign); i++ {
			f := &def.Foreign[i]
			parent := c.Table(f.Table)
			if parent == nil || f.ID >= c.nextID {
				err = corrupted("foreign key \"%s\" of table \"%s\" references nothing", f.Name, def.Name)
			} else if bad := checkReferenced(def, f, parent); bad != nil {
				err = corrupted("foreign key \"%s\" of table \"%s\": %w", f.Name, def.Name, bad)
			}
		}
		return err == nil
	})
	return err
}

// checkIndexes checks that each constraint has its index and each index its constraint.
func (c *Catalog) checkIndexes() (err error) {
	keys := 0
	c.objects.Scan(func(id table.ObjectID, o table.Object) bool {
		switch d := o.(type) {
		case *table.TableDef:
			keys += len(d.Keys)
		case *table.IndexDef:
			keys--
			def := c.Table(d.Table)
			if def == nil || d.Key < 0 || d.Key >= len(def.Keys) || def.Keys[d.Key].Name != d.Name || def.Schema != d.Schema {
				err = corrupted("index %d belongs to no constraint", id)
			}
		}
		return err == nil
	})
	if err == nil && keys != 0 {
		err = corrupted("%d constraints have no index", keys)
	}
	return err
}

// minObjectBytes is the least that an encoded object takes, which bounds counts before memory is
// taken for them.
const minObjectBytes = 7

// reader decodes; after the first error it returns zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corrupted(format, args...)
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("unexpected end")
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) flag() bool {
	v := r.byte()
	if v > 1 {
		r.fail("flag is %d", v)
	}
	return v == 1
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uint32() uint32 {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.fail("number %d is too large", v)
		return 0
	}
	return uint32(v)
}

func (r *reader) id() table.ObjectID { return table.ObjectID(r.uint32()) }

// count reads how many elements follow, each of at least size bytes.
func (r *reader) count(most, size int) int {
	v := r.uvarint()
	if v > uint64(most) || v > uint64(len(r.b)/size) {
		r.fail("impossible count %d", v)
		return 0
	}
	return int(v)
}

func (r *reader) string() string {
	n := r.count(math.MaxInt32, 1)
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// sized reads an object with the length before it.
func (r *reader) sized() table.Object {
	n := r.count(objectBytesMax+1024, 1)
	if r.err != nil {
		return nil
	}
	body := reader{b: r.b[:n:n]}
	r.b = r.b[n:]
	o := body.object()
	if body.err == nil && len(body.b) > 0 {
		body.fail("%d bytes after a definition", len(body.b))
	}
	if body.err == nil {
		if err := check(o); err != nil {
			body.fail("impossible definition: %w", err)
		}
	}
	if body.err != nil {
		r.fail("%w", body.err)
		return nil
	}
	return o
}

func (r *reader) object() table.Object {
	h := table.Header{Kind: table.ObjectKind(r.byte())}
	h.ID, h.Schema, h.Version = r.id(), r.id(), r.uint32()
	h.Name = r.string()
	if r.err == nil && (h.ID == 0 || h.Version == 0) {
		r.fail("definition without ID or version")
	}
	switch h.Kind {
	case table.KindSchema:
		return &table.SchemaDef{Header: h}
	case table.KindSetting:
		return &table.SettingDef{Header: h, Value: r.string()}
	case table.KindView:
		return &table.ViewDef{Header: h, Columns: r.columns(), Query: r.string()}
	case table.KindIndex:
		return &table.IndexDef{Header: h, Table: r.id(), Key: int(r.uint32())}
	case table.KindSequence:
		d := &table.SequenceDef{Header: h, Type: r.kind("of sequence", h.Name)}
		for _, n := range []*int64{&d.Start, &d.Increment, &d.Min, &d.Max, &d.Cache} {
			*n = r.varint()
		}
		d.Cycle, d.Identity = r.flag(), r.flag()
		d.Owner, d.OwnerColumn = r.id(), r.uint32()
		return d
	case table.KindTable:
		d := &table.TableDef{Header: h}
		r.table(d)
		return d
	}
	r.fail("unknown kind %d of object", h.Kind)
	return nil
}

func (r *reader) table(d *table.TableDef) {
	d.Method = r.string()
	d.Columns = r.columns()
	for range r.count(KeysMax, 4) {
		k := table.Key{Name: r.string(), Primary: r.flag()}
		for range r.count(KeyColumnsMax, 1) {
			k.Columns = append(k.Columns, int(r.uint32()))
		}
		d.Keys = append(d.Keys, k)
	}
	for range r.count(ChecksMax, 2) {
		d.Checks = append(d.Checks, table.Check{Name: r.string(), Expr: r.string()})
	}
	n := r.count(OptionsMax, 2)
	for range n {
		if d.Options == nil {
			d.Options = make(map[string]string, n)
		}
		name := r.string()
		d.Options[name] = r.string()
	}
	for i := range d.Columns {
		d.Columns[i].ID = uint32(i) + 1
	}
	d.ColumnID = uint32(len(d.Columns))
	for last := byte(0); r.err == nil && len(r.b) > 0; {
		tag := r.byte()
		if tag <= last {
			r.fail("field %d after field %d", tag, last)
		}
		last = tag
		r.field(d, tag)
	}
}

// field reads one of the fields that follow the rest of a table.
func (r *reader) field(d *table.TableDef, tag byte) {
	n := r.count(objectBytesMax, 1)
	if r.err != nil {
		return
	}
	f := reader{b: r.b[:n:n]}
	r.b = r.b[n:]
	switch tag {
	case fieldLayout:
		d.Layout = f.uint32()
	case fieldColumns:
		d.ColumnID = f.uint32()
		seen := make(map[uint32]bool, len(d.Columns))
		for i := range d.Columns {
			id := f.uint32()
			if id == 0 || id > d.ColumnID || seen[id] {
				f.fail("impossible ID of column \"%s\"", d.Columns[i].Name)
			}
			seen[id] = true
			d.Columns[i].ID = id
		}
	case fieldIdentity:
		for i := range d.Columns {
			v := table.Identity(f.byte())
			if v > table.IdentityByDefault {
				f.fail("unknown identity of column \"%s\"", d.Columns[i].Name)
			}
			d.Columns[i].Identity = v
		}
	case fieldGenerated:
		for range f.count(ColumnsMax, 3) {
			i := f.uint32()
			if int64(i) >= int64(len(d.Columns)) || d.Columns[i].Generated != "" {
				f.fail("impossible generated column %d", i)
				break
			}
			d.Columns[i].Virtual = f.flag()
			if d.Columns[i].Generated = f.string(); d.Columns[i].Generated == "" {
				f.fail("column \"%s\" is generated by nothing", d.Columns[i].Name)
			}
		}
	case fieldForeign:
		for range f.count(ForeignMax, 10) {
			d.Foreign = append(d.Foreign, f.foreign())
		}
	case fieldCompression:
		for i := range d.Columns {
			v := table.Compression(f.byte())
			if v > table.CompressionZstd {
				f.fail("unknown compression of column \"%s\"", d.Columns[i].Name)
			}
			d.Columns[i].Compression = v
		}
	default:
		f.fail("table \"%s\" has field %d: a newer program wrote it", d.Name, tag)
	}
	if f.err == nil && len(f.b) > 0 {
		f.fail("%d bytes after field %d", len(f.b), tag)
	}
	if f.err != nil {
		r.err, r.b = f.err, nil
	}
}

func (r *reader) foreign() table.ForeignKey {
	f := table.ForeignKey{Name: r.string(), ID: r.id(), Table: r.id()}
	for range r.count(KeyColumnsMax, 2) {
		f.Columns = append(f.Columns, int(r.uint32()))
		f.RefColumns = append(f.RefColumns, r.uint32())
	}
	f.OnUpdate, f.OnDelete = table.RefAction(r.byte()), table.RefAction(r.byte())
	f.Full, f.Deferrable, f.Deferred, f.NotValid = r.flag(), r.flag(), r.flag(), r.flag()
	for range r.count(KeyColumnsMax, 1) {
		f.SetColumns = append(f.SetColumns, int(r.uint32()))
	}
	if r.err == nil && (f.ID == 0 || f.Table == 0) {
		r.fail("foreign key \"%s\" without ID or table", f.Name)
	}
	return f
}

// kind reads the OID of a type.
func (r *reader) kind(what, name string) types.Kind {
	kind, ok := types.KindByOID(r.uint32())
	if !ok {
		r.fail("unknown type %s \"%s\"", what, name)
	}
	return kind
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) columns() []table.Column {
	n := r.count(ColumnsMax, 5)
	if n == 0 {
		return nil
	}
	list := make([]table.Column, 0, n)
	for range n {
		c := table.Column{Name: r.string()}
		c.Type.Kind = r.kind("of column", c.Name)
		mod, size := binary.Varint(r.b)
		if size <= 0 || mod < math.MinInt32 || mod > math.MaxInt32 {
			r.fail("bad type modifier of column \"%s\"", c.Name)
			return nil
		}
		r.b = r.b[size:]
		c.Type.Mod = int32(mod)
		c.NotNull = r.flag()
		c.Default = r.string()
		list = append(list, c)
	}
	return list
}
