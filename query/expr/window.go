package expr

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Window is a call of a window function. It occurs only in window operators' lists.
type Window struct {
	Node
	// Func is the function; WinAggregate computes Agg, whose arguments and filter are those here.
	Func WindowFunc
	Agg  *AggFunc
	Name string
	Args []Expr
	// Filter leaves rows out of an aggregate; nil: none.
	Filter    Expr
	Partition []Expr
	Order     []Expr
	// Desc and NullsFirst say how Order[i] sorts.
	Desc, NullsFirst []bool
	Frame            Frame
}

// WindowFunc is a window function.
type WindowFunc uint8

// The window functions.
const (
	WinAggregate WindowFunc = iota
	WinRowNumber
	WinRank
	WinDenseRank
	WinPercentRank
	WinCumeDist
	WinNtile
	WinLag
	WinLead
	WinFirstValue
	WinLastValue
	WinNthValue
)

// Frame is the frame of a window function: the rows around the row at hand that it looks at.
type Frame struct {
	Mode       FrameMode
	Start, End FrameBound
	Exclude    FrameExclusion
}

// FrameBound is an end of a frame. Offset has no columns.
type FrameBound struct {
	Kind   BoundKind
	Offset Expr
}

// FrameMode is the unit of a frame.
type FrameMode uint8

// The units of frames: values of the order, rows, and groups of peers.
const (
	FrameRange FrameMode = iota
	FrameRows
	FrameGroups
)

// BoundKind says what a bound of a frame is relative to.
type BoundKind uint8

// The bounds of frames, in their order.
const (
	UnboundedPreceding BoundKind = iota
	OffsetPreceding
	CurrentRow
	OffsetFollowing
	UnboundedFollowing
)

// FrameExclusion says which rows of a frame do not count.
type FrameExclusion uint8

// The exclusions of frames.
const (
	ExcludeNoOthers FrameExclusion = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// windowFuncs are the functions that are no aggregates.
var windowFuncs = map[string]struct {
	fn       WindowFunc
	min, max int // arguments
	ret      types.Kind
}{
	"row_number":   {WinRowNumber, 0, 0, types.Int8},
	"rank":         {WinRank, 0, 0, types.Int8},
	"dense_rank":   {WinDenseRank, 0, 0, types.Int8},
	"percent_rank": {WinPercentRank, 0, 0, types.Float8},
	"cume_dist":    {WinCumeDist, 0, 0, types.Float8},
	"ntile":        {WinNtile, 1, 1, types.Int4},
	"lag":          {WinLag, 1, 3, types.Unknown},
	"lead":         {WinLead, 1, 3, types.Unknown},
	"first_value":  {WinFirstValue, 1, 1, types.Unknown},
	"last_value":   {WinLastValue, 1, 1, types.Unknown},
	"nth_value":    {WinNthValue, 2, 2, types.Unknown},
}

// IsWindow reports whether there is a window function of a name that is no aggregate.
func IsWindow(name string) bool {
	_, ok := windowFuncs[name]
	return ok
}

// NewWindow calls a window function; the caller adds partition, order and frame.
func NewWindow(name string, pos int, args []Expr, filter Expr) (*Window, error) {
	f, ok := windowFuncs[name]
	if !ok {
		a, err := NewAggregate(name, pos, args, false, filter)
		if err != nil {
			return nil, err
		}
		return &Window{Node: a.Node, Agg: a.Func, Name: name, Args: a.Args, Filter: a.Filter}, nil
	}
	if f.max == 0 && f.fn != WinRowNumber && len(args) > 0 {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", name).At(pos)
	}
	if len(args) < f.min || len(args) > f.max {
		return nil, NoFunction(name, args, pos)
	}
	w := &Window{Node: Node{Typ: types.T(f.ret), At: pos}, Func: f.fn, Name: name, Args: args}
	if len(args) == 0 {
		return w, nil
	}
	return w, w.coerce()
}

// coerce gives the arguments their types: a value, a number, and a default for the value.
func (w *Window) coerce() error {
	written := w.Args
	w.Args = append([]Expr(nil), written...)
	number := 1
	if w.Func == WinNtile {
		number = 0
	} else {
		values := []Expr{w.Args[0]}
		if len(w.Args) < 3 && w.Args[0].Type().Kind == types.Unknown {
			return sqlerr.New(sqlerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
		}
		if len(w.Args) == 3 {
			values = append(values, w.Args[2])
		}
		t, err := CommonType(values, w.Name)
		if err != nil {
			return NoFunction(w.Name, written, w.At)
		}
		if values, err = CoerceAll(values, t, w.Name); err != nil {
			return err
		}
		w.Args[0], w.Typ = values[0], values[0].Type()
		if len(values) == 2 {
			w.Args[2], w.Typ = values[1], t
		}
	}
	if number < len(w.Args) {
		if !CanCoerce(w.Args[number].Type().Kind, types.Int4, Implicit) {
			return NoFunction(w.Name, written, w.At)
		}
		var err error
		w.Args[number], err = NewCast(w.Args[number], types.T(types.Int4), Implicit, w.At)
		return err
	}
	return nil
}

// SameWindow reports whether two calls partition and order alike, so that one operator can compute both.
func SameWindow(a, b *Window) bool {
	if len(a.Partition) != len(b.Partition) || len(a.Order) != len(b.Order) {
		return false
	}
	for i := range a.Partition {
		if !Equal(a.Partition[i], b.Partition[i]) {
			return false
		}
	}
	for i := range a.Order {
		if !Equal(a.Order[i], b.Order[i]) || a.Desc[i] != b.Desc[i] || a.NullsFirst[i] != b.NullsFirst[i] {
			return false
		}
	}
	return true
}

// windowChildren are the expressions of a window function, in the order that rebuiltWindow takes.
func windowChildren(w *Window) []Expr {
	out := append(append(append([]Expr(nil), w.Args...), w.Partition...), w.Order...)
	for _, e := range []Expr{w.Filter, w.Frame.Start.Offset, w.Frame.End.Offset} {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

func rebuiltWindow(w *Window, args []Expr) *Window {
	c := *w
	take := func(n int) []Expr {
		part := args[:n:n]
		args = args[n:]
		return part
	}
	c.Args, c.Partition, c.Order = take(len(w.Args)), take(len(w.Partition)), take(len(w.Order))
	for _, e := range []*Expr{&c.Filter, &c.Frame.Start.Offset, &c.Frame.End.Offset} {
		if *e != nil {
			*e = take(1)[0]
		}
	}
	return &c
}

// sameCall compares two window functions but for types and expressions.
func sameCall(a, b *Window) bool {
	x, y := a.Frame, b.Frame
	x.Start.Offset, x.End.Offset, y.Start.Offset, y.End.Offset = nil, nil, nil, nil
	return a.Func == b.Func && a.Agg == b.Agg && (a.Filter == nil) == (b.Filter == nil) && x == y &&
		len(a.Args) == len(b.Args) && SameWindow(a, b)
}

// CheckFrame refuses frames that the order does not allow, and gives the offsets their types. The window is
// defined at pos.
func (w *Window) CheckFrame(pos int) error {
	for _, b := range []*FrameBound{&w.Frame.Start, &w.Frame.End} {
		if b.Offset == nil {
			continue
		}
		if w.Frame.Mode != FrameRange {
			if from := b.Offset.Type().Kind; !CanCoerce(from, types.Int8, Assignment) {
				return sqlerr.Newf(sqlerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s",
					[...]string{"", "ROWS", "GROUPS"}[w.Frame.Mode], from).At(b.Offset.Pos())
			}
			var err error
			if b.Offset, err = NewCast(b.Offset, types.T(types.Int8), Assignment, b.Offset.Pos()); err != nil {
				return err
			}
			continue
		}
		if err := w.checkRange(b, pos); err != nil {
			return err
		}
	}
	return nil
}

// checkRange: the offset must be something that can be added to the one expression of the order.
func (w *Window) checkRange(b *FrameBound, pos int) error {
	if len(w.Order) != 1 {
		return sqlerr.New(sqlerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column").
			At(pos)
	}
	key := w.Order[0].Type()
	want := key.Kind
	switch key.Class() {
	case types.ClassInt, types.ClassInterval:
		switch key.Kind {
		case types.Date, types.Timestamp, types.TimestampTZ, types.Interval:
			want = types.Interval
		case types.Int2, types.Int4, types.Int8:
			if k := b.Offset.Type().Kind; k == types.Int2 || k == types.Int4 || k == types.Int8 {
				want = k
			}
		default:
			return noRange(key, b.Offset)
		}
	case types.ClassFloat:
		want = types.Float8
	case types.ClassNumeric:
	default:
		return noRange(key, b.Offset)
	}
	if !CanCoerce(b.Offset.Type().Kind, want, Implicit) {
		return noRange(key, b.Offset)
	}
	var err error
	b.Offset, err = NewCast(b.Offset, types.T(want), Implicit, b.Offset.Pos())
	return err
}

func noRange(key types.Type, offset Expr) error {
	return sqlerr.Newf(sqlerr.FeatureNotSupported,
		"RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s", key.Kind,
		offset.Type().Kind).At(offset.Pos())
}
