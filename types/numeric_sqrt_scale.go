package types

import "math/big"

// NumericSqrtScale returns the square root of a finite d >= 0 rounded to the given scale, which is at
// least half of d's.
func NumericSqrtScale(d Datum, scale int) (Datum, error) {
	if d.sign() < 0 {
		return Datum{}, errSqrtNegative
	}
	// One unit of the root is 10^-scale: its square counts 10^-2scale.
	v := d.bigAt(max(2*scale, int(d.Scale)))
	if cut := int(d.Scale) - 2*scale; cut > 0 {
		v.Quo(v, bigPow10(cut))
	}
	root := new(big.Int).Sqrt(v)
	if rest := v.Sub(v, new(big.Int).Mul(root, root)); rest.Cmp(root) > 0 {
		root.Add(root, big.NewInt(1))
	}
	return NewBigNumeric(root, scale)
}
