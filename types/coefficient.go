package types

import "math/big"

// Coefficient returns the coefficient of a finite numeric (its value times 10^Scale) as a fresh
// big.Int.
func (d Datum) Coefficient() *big.Int { return d.bigCoefficient() }
