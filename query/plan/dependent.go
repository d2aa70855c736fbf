package plan

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/query/expr"
)

// RelDependent is a RelApply that stays one: R runs once for each distinct combination of Args, which are
// expressions over L's columns; it knows their values as Params. Kind is Inner, Left, Single, Semi, Anti or
// Mark. For Mark, R has one boolean column, and what counts is the disjunction of its values: true, NULL or
// false (no row: false).
type RelDependent struct {
	Kind   JoinKind
	L, R   Rel
	Args   []expr.Expr
	Params []*expr.Param
	Mark   Col
	// When, if not nil, is the condition over L's columns under which R is asked at all; other rows of L get
	// NULLs. Only for Left, Single and Mark.
	When expr.Expr
	// Subplans are run before R, for each combination of Args anew.
	Subplans []Subplan
	// Volatile: R may differ between two rows with the same Args.
	Volatile bool
}

// Cols returns the output columns.
func (r *RelDependent) Cols() []Col { return joinCols(r.Kind, r.L, r.R, r.Mark) }

// Children returns both sides.
func (r *RelDependent) Children() []Rel { return []Rel{r.L, r.R} }

// Apply runs Root for each distinct combination of the values of Args, which are expressions over Left's
// columns; Root knows them as the parameters Params. The kinds are those of RelDependent.
type Apply struct {
	Props
	Kind       JoinKind
	Left, Root Node
	Args       []expr.Expr
	Params     []int
	When       expr.Expr
	Subplans   []Subplan
	Volatile   bool
}

// Inputs returns the outer side, then the inner one.
func (n *Apply) Inputs() []Node { return []Node{n.Left, n.Root} }

func applyTitle(n *Apply) (string, []detail) {
	var d []detail
	if len(n.Args) > 0 {
		parts := make([]string, len(n.Args))
		for i, a := range n.Args {
			parts[i] = fmt.Sprintf("$%d = %s", n.Params[i], expr.String(a))
		}
		d = append(d, detail{"For Each", strings.Join(parts, ", ")})
	}
	if n.When != nil {
		d = append(d, detail{"When", expr.String(n.When)})
	}
	if n.Volatile {
		d = append(d, detail{"", "Anew for every row"})
	}
	return "Apply" + joinTitles[n.Kind], d
}
