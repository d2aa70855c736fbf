package table

// IndexDef is the index behind a primary key or UNIQUE constraint. The storage creates, renames and
// drops it together with the constraint; its name shares the name space of relations.
type IndexDef struct {
	Header
	Table ObjectID
	// Key is the position of the constraint in TableDef.Keys.
	Key int
}

// CloneObject returns a copy.
func (d *IndexDef) CloneObject() Object { c := *d; return &c }
