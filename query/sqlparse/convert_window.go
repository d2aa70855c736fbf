package sqlparse

import "github.com/laminadb/lamina/query/ast"

// The grammar's frame options are bits: the mode, then for each kind of bound one for the start and one
// for the end of the frame, then the exclusion.
const (
	frameNondefault = 0x1
	frameRows       = 0x4
	frameGroups     = 0x8
	frameStart      = 0x20 // bits of the start: these, every second one
	frameExclude    = 0x8000
)

// frameBounds are the kinds of bounds in the order of their bits.
var frameBounds = [...]ast.FrameBoundKind{
	ast.UnboundedPreceding, ast.UnboundedFollowing, ast.CurrentRow, ast.OffsetPreceding, ast.OffsetFollowing,
}

// window converts a window definition.
func (c *converter) window(w *pgWindowDef) ast.Window {
	out := ast.Window{At: c.at(w.GetLocation()), Name: w.GetName(), Base: w.GetRefname()}
	out.PartitionBy = c.exprs(w.GetPartitionClause())
	out.OrderBy = c.sortItems(w.GetOrderClause())
	o := w.GetFrameOptions()
	out.Framed = o&frameNondefault != 0
	switch {
	case o&frameRows != 0:
		out.Frame.Mode = ast.FrameRows
	case o&frameGroups != 0:
		out.Frame.Mode = ast.FrameGroups
	}
	out.Frame.End.Kind = ast.CurrentRow
	for i, kind := range frameBounds {
		if o&(frameStart<<(2*i)) != 0 {
			out.Frame.Start.Kind = kind
		}
		if o&(frameStart<<(2*i+1)) != 0 {
			out.Frame.End.Kind = kind
		}
	}
	for i := range 3 {
		if o&(frameExclude<<i) != 0 {
			out.Frame.Exclude = ast.ExcludeCurrentRow + ast.FrameExclusion(i)
		}
	}
	out.Frame.Start.Offset = c.exprOrNil(w.GetStartOffset())
	out.Frame.End.Offset = c.exprOrNil(w.GetEndOffset())
	return out
}
