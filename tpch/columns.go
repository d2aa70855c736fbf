package tpch

// Strings is a column of strings: string i is Data[Offsets[i]:Offsets[i+1]], as in Arrow. A Strings
// of n rows has n+1 offsets; the zero Strings has no rows.
type Strings struct {
	Data    []byte
	Offsets []int32
}

// Len returns the number of strings.
func (s *Strings) Len() int { return max(len(s.Offsets)-1, 0) }

// At returns string i. It shares memory with s.
func (s *Strings) At(i int) []byte { return s.Data[s.Offsets[i]:s.Offsets[i+1]] }

func (s *Strings) reset() {
	s.Data = s.Data[:0]
	s.Offsets = append(s.Offsets[:0], 0)
}

// end closes the string that was appended to Data.
func (s *Strings) end() { s.Offsets = append(s.Offsets, int32(len(s.Data))) }

// Codes is a column of few distinct strings: string i is Dict[Code[i]]. Dict is shared by all
// batches and must not be changed.
type Codes struct {
	Code []uint8
	Dict []string
}

// At returns string i.
func (c *Codes) At(i int) string { return c.Dict[c.Code[i]] }

func (c *Codes) reset(dict []string) { c.Code, c.Dict = c.Code[:0], dict }

// A Column is one column of a batch. Exactly one of the slices and pointers is not nil, or all are
// nil in a batch without rows. They share memory with the batch.
type Column struct {
	ColumnDef
	// Int64 has the values of BigInt, and those of Decimal in hundredths.
	Int64 []int64
	// Int32 has the values of Integer, and those of Date in days since 1970-01-01.
	Int32 []int32
	// Codes and Strings have the values of Char and VarChar. Char values are not padded.
	Codes   *Codes
	Strings *Strings
}

// A Batch is a run of rows of one table in columnar form. Its memory is reused when it is filled
// again.
type Batch interface {
	Table() Table
	// Len returns the number of rows.
	Len() int
	// Columns returns the columns in table order.
	Columns() []Column
}

// columns pairs the values of a batch with the definitions of its table.
func columns(t Table, values ...any) []Column {
	cols := make([]Column, len(values))
	for i, v := range values {
		cols[i].ColumnDef = t.Columns()[i]
		switch v := v.(type) {
		case []int64:
			cols[i].Int64 = v
		case []int32:
			cols[i].Int32 = v
		case *Codes:
			cols[i].Codes = v
		case *Strings:
			cols[i].Strings = v
		}
	}
	return cols
}
