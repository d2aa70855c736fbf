package catalog

import (
	"encoding/binary"
	"slices"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// AppendChanges appends the encoding of changes, for a commit record.
func AppendChanges(dst []byte, changes []Change) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(changes)))
	for i := range changes {
		dst = append(dst, byte(changes[i].Op))
		if changes[i].Op == Drop {
			dst = binary.AppendUvarint(dst, uint64(changes[i].ID))
			continue
		}
		dst = appendSized(dst, changes[i].Object)
	}
	return dst
}

// Append appends the encoding of the whole catalog, for a checkpoint.
func (c *Catalog) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.nextID))
	dst = binary.AppendUvarint(dst, uint64(c.objects.Len()))
	c.objects.Scan(func(_ table.ObjectID, o table.Object) bool {
		dst = appendSized(dst, o)
		return true
	})
	dst = binary.AppendUvarint(dst, uint64(c.old.Len()))
	c.old.Scan(func(_ uint64, o oldTable) bool {
		dst = binary.AppendUvarint(dst, uint64(o.lsn))
		dst = appendSized(dst, o.def)
		return true
	})
	return dst
}

func appendSized(dst []byte, o table.Object) []byte {
	b := appendObject(nil, o)
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func appendObject(dst []byte, o table.Object) []byte {
	h := o.Head()
	dst = append(dst, byte(h.Kind))
	dst = binary.AppendUvarint(dst, uint64(h.ID))
	dst = binary.AppendUvarint(dst, uint64(h.Schema))
	dst = binary.AppendUvarint(dst, uint64(h.Version))
	dst = appendString(dst, h.Name)
	switch d := o.(type) {
	case *table.SettingDef:
		dst = appendString(dst, d.Value)
	case *table.ViewDef:
		dst = appendColumns(dst, d.Columns)
		dst = appendString(dst, d.Query)
	case *table.IndexDef:
		dst = binary.AppendUvarint(dst, uint64(d.Table))
		dst = binary.AppendUvarint(dst, uint64(d.Key))
	case *table.SequenceDef:
		dst = appendSequence(dst, d)
	case *table.TableDef:
		dst = appendTable(dst, d)
	}
	return dst
}

func appendSequence(dst []byte, d *table.SequenceDef) []byte {
	dst = binary.AppendUvarint(dst, uint64(types.T(d.Type).OID()))
	for _, n := range []int64{d.Start, d.Increment, d.Min, d.Max, d.Cache} {
		dst = binary.AppendVarint(dst, n)
	}
	dst = append(dst, flag(d.Cycle), flag(d.Identity))
	dst = binary.AppendUvarint(dst, uint64(d.Owner))
	return binary.AppendUvarint(dst, uint64(d.OwnerColumn))
}

func appendTable(dst []byte, d *table.TableDef) []byte {
	dst = appendString(dst, d.Method)
	dst = appendColumns(dst, d.Columns)
	dst = binary.AppendUvarint(dst, uint64(len(d.Keys)))
	for i := range d.Keys {
		k := &d.Keys[i]
		dst = appendString(dst, k.Name)
		dst = append(dst, flag(k.Primary))
		dst = binary.AppendUvarint(dst, uint64(len(k.Columns)))
		for _, c := range k.Columns {
			dst = binary.AppendUvarint(dst, uint64(c))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(d.Checks)))
	for i := range d.Checks {
		dst = appendString(dst, d.Checks[i].Name)
		dst = appendString(dst, d.Checks[i].Expr)
	}
	names := make([]string, 0, len(d.Options))
	for name := range d.Options {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, name := range names {
		dst = appendString(dst, name)
		dst = appendString(dst, d.Options[name])
	}
	return appendMore(dst, d)
}

// Fields of a table that follow the rest, each a tag, the length of its content and the content. They are left out
// where they say nothing new, so that older programs read what they can understand.
const (
	fieldLayout  = 1 // how often rows were replaced
	fieldColumns = 2 // the largest ID of a column, then the ID of each
	// fieldIdentity has a byte for each column: whether it is an identity column, and of which kind.
	fieldIdentity = 3
	// fieldGenerated lists the generated columns: position, flag of VIRTUAL, expression.
	fieldGenerated = 4
	// fieldForeign lists the FOREIGN KEY constraints.
	fieldForeign = 5
	// fieldCompression has a byte for each column: how its values are compressed.
	fieldCompression = 6
)

func appendMore(dst []byte, d *table.TableDef) []byte {
	if d.Layout != 0 {
		dst = appendField(dst, fieldLayout, binary.AppendUvarint(nil, uint64(d.Layout)))
	}
	if !plainIDs(d) {
		b := binary.AppendUvarint(nil, uint64(d.ColumnID))
		for i := range d.Columns {
			b = binary.AppendUvarint(b, uint64(d.Columns[i].ID))
		}
		dst = appendField(dst, fieldColumns, b)
	}
	if slices.ContainsFunc(d.Columns, func(c table.Column) bool { return c.Identity != table.NoIdentity }) {
		var b []byte
		for i := range d.Columns {
			b = append(b, byte(d.Columns[i].Identity))
		}
		dst = appendField(dst, fieldIdentity, b)
	}
	if cols := d.GeneratedColumns(); len(cols) > 0 {
		b := binary.AppendUvarint(nil, uint64(len(cols)))
		for _, i := range cols {
			b = binary.AppendUvarint(b, uint64(i))
			b = appendString(append(b, flag(d.Columns[i].Virtual)), d.Columns[i].Generated)
		}
		dst = appendField(dst, fieldGenerated, b)
	}
	if len(d.Foreign) > 0 {
		b := binary.AppendUvarint(nil, uint64(len(d.Foreign)))
		for i := range d.Foreign {
			b = appendForeign(b, &d.Foreign[i])
		}
		dst = appendField(dst, fieldForeign, b)
	}
	if slices.ContainsFunc(d.Columns, func(c table.Column) bool { return c.Compression != table.CompressionDefault }) {
		var b []byte
		for i := range d.Columns {
			b = append(b, byte(d.Columns[i].Compression))
		}
		dst = appendField(dst, fieldCompression, b)
	}
	return dst
}

func appendForeign(dst []byte, f *table.ForeignKey) []byte {
	dst = appendString(dst, f.Name)
	dst = binary.AppendUvarint(dst, uint64(f.ID))
	dst = binary.AppendUvarint(dst, uint64(f.Table))
	dst = binary.AppendUvarint(dst, uint64(len(f.Columns)))
	for i, c := range f.Columns {
		dst = binary.AppendUvarint(dst, uint64(c))
		dst = binary.AppendUvarint(dst, uint64(f.RefColumns[i]))
	}
	dst = append(dst, byte(f.OnUpdate), byte(f.OnDelete), flag(f.Full), flag(f.Deferrable), flag(f.Deferred), flag(f.NotValid))
	dst = binary.AppendUvarint(dst, uint64(len(f.SetColumns)))
	for _, c := range f.SetColumns {
		dst = binary.AppendUvarint(dst, uint64(c))
	}
	return dst
}

func appendField(dst []byte, tag byte, content []byte) []byte {
	dst = binary.AppendUvarint(append(dst, tag), uint64(len(content)))
	return append(dst, content...)
}

// plainIDs reports whether the columns have the IDs that they get in a new table.
func plainIDs(d *table.TableDef) bool {
	for i := range d.Columns {
		if d.Columns[i].ID != uint32(i)+1 {
			return false
		}
	}
	return d.ColumnID == uint32(len(d.Columns))
}

func appendColumns(dst []byte, columns []table.Column) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(columns)))
	for i := range columns {
		c := &columns[i]
		dst = appendString(dst, c.Name)
		dst = binary.AppendUvarint(dst, uint64(c.Type.OID()))
		dst = binary.AppendVarint(dst, int64(c.Type.Mod))
		dst = append(dst, flag(c.NotNull))
		dst = appendString(dst, c.Default)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
