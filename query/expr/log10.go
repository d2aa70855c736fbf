package expr

import "math"

// log10 is the decimal logarithm, exact for powers of ten: the library's goes through base 2 and is not.
func log10(x float64) float64 {
	r := math.Log10(x)
	const denormal = 0x1p-1022
	if x < denormal && x > 0 {
		r = math.Log10(x*0x1p54) - 54*log10Of2
	}
	if n := math.Round(r); math.Abs(r-n) < 1e-13 && n >= -307 && n <= 308 && math.Pow10(int(n)) == x {
		return n
	}
	return r
}

// naturalLog is the logarithm of denormal numbers too, for which the library's is wrong on some machines.
func naturalLog(x float64) float64 {
	if x < 0x1p-1022 && x > 0 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

const log10Of2 = 0.30102999566398119521373889472449302676818988146210854131
