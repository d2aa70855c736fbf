package vec

// Batch is up to Size rows as groups of columns. Columns of one group share an index: for the columns
// of a scan a selection vector, for the columns that a join fetched from its build side a list of row
// ids. Column i of the batch counts through the groups in order.
//
// A batch is borrowed from whoever fills it, until the next batch is asked for or pushed.
type Batch struct {
	// N is the number of live rows.
	N      int
	Groups []Group
}

// Group is a set of columns with one index.
type Group struct {
	Cols []Vector
	// Sel lists the positions of the live rows in Cols, ascending (scans) or in the order and
	// multiplicity that joins gave them; nil: positions 0 … N-1. Unused for InRows columns.
	Sel []uint16
	// Holes are the positions that are not live among the first N + len(Holes), ascending; Sel is nil then. Only who
	// asks a scan for it gets a group with holes: they are few, and what takes them out afterwards need not gather.
	Holes []uint16
	// RowIDs are the rows of InRows columns; row 0 is the NULL row of outer joins.
	RowIDs []uint32
}

// Single makes b a batch of one group with the given columns and selection.
func (b *Batch) Single(n int, cols []Vector, sel []uint16) {
	b.N = n
	if cap(b.Groups) == 0 {
		b.Groups = make([]Group, 1)
	}
	b.Groups = b.Groups[:1]
	b.Groups[0] = Group{Cols: cols, Sel: sel}
}

// NumCols returns the number of columns of all groups.
func (b *Batch) NumCols() int {
	n := 0
	for i := range b.Groups {
		n += len(b.Groups[i].Cols)
	}
	return n
}

// Col returns column i and its group.
func (b *Batch) Col(i int) (*Vector, *Group) {
	for g := range b.Groups {
		if cols := b.Groups[g].Cols; i < len(cols) {
			return &cols[i], &b.Groups[g]
		} else {
			i -= len(cols)
		}
	}
	return nil, nil
}
