package opt

import "github.com/laminadb/lamina/query/expr"

// exprSet is a list of expressions of which no two are equal. The zero value is empty.
type exprSet struct {
	list []expr.Expr
	// byHash are places in list; nil while the list is short.
	byHash map[uint64][]int32
}

// shortSet is the length up to which comparing with each is quicker than hashing.
const shortSet = 8

func setOf(list []expr.Expr) *exprSet {
	s := &exprSet{}
	for _, e := range list {
		s.add(e)
	}
	return s
}

// find returns the place of an expression; -1 if it is not there.
func (s *exprSet) find(e expr.Expr) int {
	if s.byHash == nil {
		for i, x := range s.list {
			if expr.Equal(x, e) {
				return i
			}
		}
		return -1
	}
	for _, i := range s.byHash[expr.Hash(e)] {
		if expr.Equal(s.list[i], e) {
			return int(i)
		}
	}
	return -1
}

func (s *exprSet) has(e expr.Expr) bool { return s.find(e) >= 0 }

// add adds an expression that is not there yet, and reports whether it did.
func (s *exprSet) add(e expr.Expr) bool {
	if s.has(e) {
		return false
	}
	s.list = append(s.list, e)
	switch {
	case s.byHash != nil:
		s.note(len(s.list) - 1)
	case len(s.list) > shortSet:
		s.byHash = map[uint64][]int32{}
		for i := range s.list {
			s.note(i)
		}
	}
	return true
}

func (s *exprSet) note(i int) {
	h := expr.Hash(s.list[i])
	s.byHash[h] = append(s.byHash[h], int32(i))
}
