package types

// NumericFloorTo returns the greatest numeric with at most scale digits after the point that is not
// above d, at that scale.
func NumericFloorTo(d Datum, scale int) (Datum, error) { return rescale(d, scale, roundFloor) }
