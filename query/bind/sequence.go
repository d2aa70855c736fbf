package bind

import (
	"slices"
	"strconv"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// SequenceChange is what CREATE and ALTER SEQUENCE ask for.
type SequenceChange struct {
	Def *table.SequenceDef
	// Restart is where RESTART says that the sequence goes on; nil: it was not written.
	Restart *int64
	// Owned: OWNED BY was written.
	Owned bool
}

// CreateSequence makes the definition that CREATE SEQUENCE describes.
func (b *Binder) CreateSequence(s *ast.CreateSequence) (*SequenceChange, error) {
	schema, err := b.CreationSchema(s.Name)
	if err != nil {
		return nil, err
	}
	def := &table.SequenceDef{Type: types.Int8}
	def.Header = table.Header{Kind: table.KindSequence, Schema: schema, Name: s.Name.Name}
	return b.sequenceChange(def, s.Options, true, false)
}

// AlterSequence returns what a sequence is after ALTER SEQUENCE.
func (b *Binder) AlterSequence(old *table.SequenceDef, options []ast.Option) (*SequenceChange, error) {
	return b.sequenceChange(old.CloneObject().(*table.SequenceDef), options, false, false)
}

// sequenceOptions are the options of a sequence by name.
type sequenceOptions map[string]*ast.Option

func (b *Binder) sequenceChange(d *table.SequenceDef, options []ast.Option, create, identity bool) (*SequenceChange, error) {
	opts := sequenceOptions{}
	for i := range options {
		o := &options[i]
		if opts[o.Name] != nil {
			return nil, sqlerr.New(sqlerr.SyntaxError, "conflicting or redundant options").At(o.Pos())
		}
		opts[o.Name] = o
		if o.Name == "sequence_name" && !identity || o.Name == "logged" || o.Name == "unlogged" {
			return nil, sqlerr.Unsupported("option " + o.Name + " of a sequence").At(o.Pos())
		}
	}
	c := &SequenceChange{Def: d}
	oldLo, oldHi := table.SequenceBounds(d.Type)
	if o := opts["as"]; o != nil {
		if err := sequenceType(d, o, identity); err != nil {
			return nil, err
		}
	}
	if err := opts.bounds(d, create, oldLo, oldHi); err != nil {
		return nil, err
	}
	if err := opts.start(c, create); err != nil {
		return nil, err
	}
	if o := opts["owned_by"]; o != nil {
		c.Owned = true
		return c, b.owner(d, o)
	}
	return c, nil
}

func sequenceType(d *table.SequenceDef, o *ast.Option, identity bool) error {
	name := o.Value
	for _, prefix := range []string{pgCatalog + "."} {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			name = name[len(prefix):]
		}
	}
	k, ok := types.KindByTypname(name)
	if _, hi := table.SequenceBounds(k); !ok || hi == 0 {
		if !ok && !otherTypes[name] {
			return sqlerr.Newf(sqlerr.UndefinedObject, "type \"%s\" does not exist", name)
		}
		if identity {
			return errIdentityType
		}
		return sqlerr.New(sqlerr.InvalidParameterValue, "sequence type must be smallint, integer, or bigint")
	}
	d.Type = k
	return nil
}

var errIdentityType = sqlerr.New(sqlerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")

// number returns the value of an option; ok is false if it was not written, or without a value.
func (o sequenceOptions) number(name string) (v int64, ok bool, err error) {
	opt := o[name]
	if opt == nil || !opt.HasValue {
		return 0, false, nil
	}
	if v, err = strconv.ParseInt(opt.Value, 10, 64); err != nil {
		return 0, false, sqlerr.Newf(sqlerr.NumericValueOutOfRange, "value \"%s\" is out of range for type bigint", opt.Value)
	}
	return v, true, nil
}

// bounds sets increment, cycle, cache and bounds.
func (o sequenceOptions) bounds(d *table.SequenceDef, create bool, oldLo, oldHi int64) error {
	if create {
		d.Increment, d.Cache = 1, 1
	}
	for _, x := range []struct {
		name string
		dst  *int64
	}{{"increment", &d.Increment}, {"cache", &d.Cache}} {
		if v, ok, err := o.number(x.name); err != nil {
			return err
		} else if ok {
			*x.dst = v
		}
	}
	if c := o["cycle"]; c != nil {
		d.Cycle = c.Value != "false"
	}
	lo, hi := table.SequenceBounds(d.Type)
	least, most := int64(1), hi
	if d.Increment < 0 {
		least, most = lo, -1
	}
	retyped := o["as"] != nil
	for _, x := range []struct {
		name        string
		dst         *int64
		value, from int64 // without an option, and the bound of the type before
	}{{"maxvalue", &d.Max, most, oldHi}, {"minvalue", &d.Min, least, oldLo}} {
		v, ok, err := o.number(x.name)
		switch {
		case err != nil:
			return err
		case ok:
			*x.dst = v
		case create || o[x.name] != nil || retyped && *x.dst == x.from:
			*x.dst = x.value
		}
	}
	return nil
}

// start sets where the sequence begins, and where RESTART lets it go on.
func (o sequenceOptions) start(c *SequenceChange, create bool) error {
	d := c.Def
	v, ok, err := o.number("start")
	switch {
	case err != nil:
		return err
	case ok:
		d.Start = v
	case create && d.Increment > 0:
		d.Start = d.Min
	case create:
		d.Start = d.Max
	}
	if r := o["restart"]; r != nil {
		if v, ok, err = o.number("restart"); err != nil {
			return err
		} else if !ok {
			v = d.Start
		}
		c.Restart = &v
	}
	return nil
}

// owner sets the column that the sequence goes with.
func (b *Binder) owner(d *table.SequenceDef, o *ast.Option) error {
	names := o.Columns
	if d.Identity {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot change ownership of identity sequence")
	}
	if len(names) == 1 {
		if names[0] != "none" {
			return sqlerr.New(sqlerr.SyntaxError, "invalid OWNED BY option").
				WithHint("Specify OWNED BY table.column or OWNED BY NONE.")
		}
		d.Owner, d.OwnerColumn = 0, 0
		return nil
	}
	var n ast.RelName
	n.Name = names[len(names)-2]
	if len(names) > 2 {
		n.Schema = names[len(names)-3]
	}
	rel, err := b.Relation(n)
	if err != nil {
		return err
	}
	if rel == nil {
		return noRelation(n)
	}
	t, ok := rel.(*table.TableDef)
	if !ok {
		return sqlerr.Newf(sqlerr.WrongObjectType, "sequence cannot be owned by relation \"%s\"", n.Name)
	}
	if t.Schema != d.Schema {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "sequence must be in same schema as table it is linked to")
	}
	i := t.ColumnIndex(names[len(names)-1])
	if i < 0 {
		return sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", names[len(names)-1], t.Name)
	}
	d.Owner, d.OwnerColumn = t.ID, t.Columns[i].ID
	return nil
}

// NewSequence is a sequence that comes with a column of a table: serial or identity.
type NewSequence struct {
	Def    *table.SequenceDef
	Column string
	// Fixed: the name was given.
	Fixed bool
}

// serialKinds are the serial types.
var serialKinds = map[string]types.Kind{
	"serial": types.Int4, "serial4": types.Int4, "bigserial": types.Int8, "serial8": types.Int8,
	"smallserial": types.Int2, "serial2": types.Int2,
}

// sequence notes the sequence of a serial or identity column.
func (t *tableBuilder) sequence(c *table.Column, options []ast.Option, identity bool) error {
	d := &table.SequenceDef{Type: c.Type.Kind, Identity: identity}
	d.Header = table.Header{Kind: table.KindSequence, Schema: t.def.Schema}
	if _, hi := table.SequenceBounds(d.Type); hi == 0 {
		return errIdentityType
	}
	x, err := t.b.sequenceChange(d, options, true, identity)
	if err != nil {
		return err
	}
	n := NewSequence{Def: x.Def, Column: c.Name}
	if i := slices.IndexFunc(options, func(o ast.Option) bool { return o.Name == "sequence_name" }); i >= 0 {
		names := options[i].Columns
		d.Name, n.Fixed = names[len(names)-1], true
	}
	t.sequences = append(t.sequences, n)
	return nil
}

// nameSequences chooses PostgreSQL's names: t_column_seq.
func (t *tableBuilder) nameSequences(used map[string]bool) {
	for i := range t.sequences {
		s := &t.sequences[i]
		if !s.Fixed {
			s.Def.Name = chooseName(t.def.Name, s.Column, "seq", func(n string) bool { return used[n] || t.relationExists(n) }, used)
		}
	}
}
