package expr

import (
	"strings"

	"github.com/laminadb/lamina/types"
)

// Parameter is a parameter of a function that calls may name.
type Parameter struct {
	Name    string
	Default Expr
}

// Parameters returns the parameters of a function whose calls may name them; nil for other functions.
func Parameters(name string) []Parameter {
	if name != "make_interval" {
		return nil
	}
	var list []Parameter
	for _, p := range strings.Fields("years months weeks days hours mins secs") {
		zero := NewConst(types.NewInt(types.Int4, 0), types.T(types.Int4), 0)
		if p == "secs" {
			zero = NewConst(types.NewFloat(types.Float8, 0), types.T(types.Float8), 0)
		}
		list = append(list, Parameter{p, zero})
	}
	return list
}
