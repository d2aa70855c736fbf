package expr

import (
	"strings"

	"github.com/laminadb/lamina/types"
)

// safeByConstant reports whether constant arguments prove that a call cannot fail: a valid pattern of
// LIKE, a substring length that is not negative, a field that dates and timestamps have.
func safeByConstant(c *Call) bool {
	switch c.Func.Name {
	case "~~", "!~~", "~~*", "!~~*":
		p, ok := stringConst(c.Args[1])
		return ok && (len(p)-len(strings.TrimRight(p, `\`)))%2 == 0
	case "substring", "substr":
		if len(c.Args) != 3 {
			return false
		}
		n, ok := c.Args[2].(*Const)
		return ok && n.Typ.Kind == types.Int4 && (n.Value.IsNull() || n.Value.I >= 0)
	case "extract", "date_part":
		if len(c.Args) != 2 {
			return false
		}
		f, ok := stringConst(c.Args[0])
		return ok && (dateFields[f] && c.Args[1].Type().Kind == types.Date ||
			(dateFields[f] || clockFields[f]) && c.Args[1].Type().Kind == types.Timestamp)
	}
	return false
}

func stringConst(e Expr) (string, bool) {
	k, ok := e.(*Const)
	if !ok || k.Typ.Kind.Class() != types.ClassString {
		return "", false
	}
	return k.Value.S, true
}

// dateFields and clockFields are fields of extract that every date, and every timestamp, has.
var (
	dateFields = map[string]bool{
		"year": true, "month": true, "day": true, "quarter": true, "dow": true, "isodow": true, "doy": true, "week": true,
	}
	clockFields = map[string]bool{"hour": true, "minute": true, "second": true}
)
