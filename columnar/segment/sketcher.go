package segment

import (
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/vec"
)

// Sketcher makes sketches of rows that are in no segment. They merge with those of segments of the same schema, as they
// are made of the same hashes.
type Sketcher struct {
	layouts  []layout
	bb       *vec.BatchBuilder
	sketches []Sketch
	nulls    []int
	space    []int64 // for the values of a column
}

// NewSketcher returns a Sketcher that has seen nothing.
func NewSketcher(schema Schema, tracker *mem.Tracker) (*Sketcher, error) {
	s := &Sketcher{
		layouts: make([]layout, len(schema.Columns)), sketches: make([]Sketch, len(schema.Columns)), nulls: make([]int, len(schema.Columns)),
	}
	for i := range s.layouts {
		var err error
		if s.layouts[i], err = layoutOf(&schema.Columns[i]); err != nil {
			return nil, err
		}
	}
	s.bb = vec.NewBatchBuilder(schema.types(), vec.Size, tracker)
	return s, nil
}

// Close frees the memory of the Sketcher.
func (s *Sketcher) Close() { s.bb.Release() }

// Sketch returns the sketch of a column. It belongs to the Sketcher.
func (s *Sketcher) Sketch(col int) *Sketch { return &s.sketches[col] }

// NumNulls returns the number of NULLs of a column.
func (s *Sketcher) NumNulls(col int) int { return s.nulls[col] }

// Add takes the live rows of a batch, whose columns are those of the schema.
func (s *Sketcher) Add(b *vec.Batch) error {
	s.bb.Reset()
	if err := s.bb.AppendBatch(b); err != nil {
		return err
	}
	flat := s.bb.Batch()
	for c := range s.layouts {
		x, _ := flat.Col(c)
		v, err := valuesOf(&s.layouts[c], x, flat.N, 0, s.space)
		if s.space = v.space; err != nil {
			return err
		}
		s.add(c, v)
	}
	return nil
}

func (s *Sketcher) add(col int, v *values) {
	sk := &s.sketches[col]
	for i := range v.n {
		switch {
		case v.has(i):
			sk.add(hashOf(v, i))
		case v.nulls != nil && v.isNull(i):
			s.nulls[col]++
		}
	}
	for i := range v.except {
		sk.addException(&v.except[i])
	}
}
