package exec

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

// spare returns which of the columns that the storage is asked for are read by conditions alone that it may take over:
// those with the numbers in from. nil: none.
func (s *scanSource) spare(conds []expr.Expr, from []int) (list []bool) {
	read := append([]bool(nil), s.q.outputs[s.n]...)
	if len(read) == 0 || len(from) == 0 {
		return nil
	}
	offered := map[int]bool{}
	for _, i := range from {
		offered[i] = true
	}
	for i, e := range conds {
		if !offered[i] {
			mark(read, e)
		}
	}
	for k, c := range s.cols {
		if c < len(s.n.Cols) && !read[c] && !s.filtered(c) {
			if list == nil {
				list = make([]bool, len(s.cols))
			}
			list[k] = true
		}
	}
	return list
}

// leaveBlank notes the spare columns that nothing reads.
func (s *scanSource) leaveBlank(spec *table.ScanSpec, accepted []table.Pushdown) {
	for k, spare := range spec.Spare {
		if !spare {
			continue
		}
		blank := true
		for i := range spec.Where {
			if spec.Where[i].Col == spec.Cols[k] && (i >= len(accepted) || accepted[i] != table.Exact) {
				blank = false
			}
		}
		if blank && s.blank == nil {
			s.blank = make([]bool, len(s.cols))
		}
		if blank {
			s.blank[k] = true
			s.stats.note("a column is not read: its conditions are the storage's")
		}
	}
}
