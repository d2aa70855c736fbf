package types

import (
	"math/big"

	"github.com/zeebo/xxh3"
)

func hashString(s string) uint64 { return xxh3.HashString(s) }

// stripZeros returns the coefficient and scale of a finite numeric without the zeros at the end of
// its fraction.
func stripZeros(d Datum) (*big.Int, int) {
	v, scale := d.bigCoefficient(), int(d.Scale)
	// Cut halves of the scale first: a thousand zeros cost ten divisions.
	for step := scale; step > 0; {
		q, r := new(big.Int).QuoRem(v, bigPow10(step), new(big.Int))
		if r.Sign() == 0 {
			v, scale = q, scale-step
			step = min(step, scale)
			continue
		}
		step /= 2
	}
	return v, scale
}
