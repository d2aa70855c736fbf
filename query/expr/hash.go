package expr

import "github.com/laminadb/lamina/types"

// Hash returns a number that is the same for expressions that are Equal.
func Hash(e Expr) uint64 {
	const prime = 0x9e3779b97f4a7c15
	h := uint64(1)
	Walk(e, func(e Expr) bool {
		h = h*prime ^ hashNode(e)
		h ^= h >> 29
		return true
	})
	return h
}

// hashNode hashes what tells most expressions apart.
func hashNode(e Expr) uint64 {
	switch e := e.(type) {
	case *Const:
		if !e.Value.Valid {
			return 1
		}
		return types.Hash(e.Value)
	case *Column:
		return uint64(e.ID)<<8 | 2
	case *Param:
		return uint64(e.N)<<8 | 3
	case *Call:
		return types.Hash(types.NewString(types.Text, e.Func.Name))
	case *And:
		return 4
	case *Or:
		return 5
	case *Not:
		return 6
	}
	return 7
}

// Size returns the number of expressions that e consists of.
func Size(e Expr) int {
	n := 0
	Walk(e, func(Expr) bool { n++; return true })
	return n
}
