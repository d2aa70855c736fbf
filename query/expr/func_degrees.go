package expr

import (
	"math"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// degreeFunctions are trigonometry in degrees, exact at multiples of 30 and 45, and error and gamma functions.
var degreeFunctions = []entry{
	{"sind(float8) float8", 2735, 0, trigFloat(sind), kernelNone},
	{"cosd(float8) float8", 2736, 0, trigFloat(cosd), kernelNone},
	{"tand(float8) float8", 2737, 0, trigFloat(tand), kernelNone},
	{"cotd(float8) float8", 2738, 0, trigFloat(cotd), kernelNone},
	{"asind(float8) float8", 2731, 0, arcFloat(asind), kernelNone},
	{"acosd(float8) float8", 2732, 0, arcFloat(acosd), kernelNone},
	{"atand(float8) float8", 2733, safe, float1(func(x float64) float64 { return math.Atan(x) / atan1 * 45 }), kernelNone},
	{"atan2d(float8,float8) float8", 2734, safe, atan2Degrees, kernelNone},
	{"erf(float8) float8", 6219, safe, float1(math.Erf), kernelNone},
	{"erfc(float8) float8", 6220, safe, float1(math.Erfc), kernelNone},
	{"gamma(float8) float8", 6383, 0, gammaFloat, kernelNone},
	{"lgamma(float8) float8", 6384, 0, lgammaFloat, kernelNone},
}

const degree = math.Pi / 180

// What the library returns at the angles whose results are known: dividing by it makes them exact.
var (
	sin30      = math.Sin(30 * degree)
	oneLessC60 = 1 - math.Cos(60*degree)
	asinHalf   = math.Asin(0.5)
	acosHalf   = math.Acos(0.5)
	atan1      = math.Atan(1)
	tan45      = sinQuadrant(45) / cosQuadrant(45)
	cot45      = cosQuadrant(45) / sinQuadrant(45)
)

func sinTo30(x float64) float64 { return math.Sin(x*degree) / sin30 / 2 }

func cosTo60(x float64) float64 { return 1 - (1-math.Cos(x*degree))/oneLessC60/2 }

// sinQuadrant and cosQuadrant are those of 0 to 90 degrees.
func sinQuadrant(x float64) float64 {
	if x <= 30 {
		return sinTo30(x)
	}
	return cosTo60(90 - x)
}

func cosQuadrant(x float64) float64 {
	if x <= 60 {
		return cosTo60(x)
	}
	return sinTo30(90 - x)
}

func sind(x float64) float64 {
	x, sign := math.Mod(x, 360), 1.0
	if x < 0 {
		x, sign = -x, -sign
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x = 180 - x
	}
	return sign * sinQuadrant(x)
}

func cosd(x float64) float64 {
	x, sign := math.Abs(math.Mod(x, 360)), 1.0
	if x > 180 {
		x = 360 - x
	}
	if x > 90 {
		x, sign = 180-x, -sign
	}
	return sign * cosQuadrant(x)
}

// halfTurn brings an angle to 0 to 90 degrees for functions that repeat after 180.
func halfTurn(x float64) (angle, sign float64) {
	x, sign = math.Mod(x, 360), 1
	if x < 0 {
		x, sign = -x, -sign
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x, sign = 180-x, -sign
	}
	return x, sign
}

func tand(x float64) float64 {
	x, sign := halfTurn(x)
	r := sign * (sinQuadrant(x) / cosQuadrant(x) / tan45)
	if r == 0 {
		return 0 // never -0
	}
	return r
}

func cotd(x float64) float64 {
	x, sign := halfTurn(x)
	r := sign * (cosQuadrant(x) / sinQuadrant(x) / cot45)
	if r == 0 {
		return 0
	}
	return r
}

func asinQuadrant(x float64) float64 {
	if x <= 0.5 {
		return math.Asin(x) / asinHalf * 30
	}
	return 90 - math.Acos(x)/acosHalf*60
}

func acosQuadrant(x float64) float64 {
	if x <= 0.5 {
		return 90 - math.Asin(x)/asinHalf*30
	}
	return math.Acos(x) / acosHalf * 60
}

func asind(x float64) float64 {
	if x < 0 {
		return -asinQuadrant(-x)
	}
	return asinQuadrant(x)
}

func acosd(x float64) float64 {
	if x < 0 {
		return 90 + asinQuadrant(-x)
	}
	return acosQuadrant(x)
}

func atan2Degrees(ctx *Context, args []types.Datum) (types.Datum, error) {
	r, err := atan2Float(ctx, args)
	return types.NewFloat(types.Float8, r.Float()/atan1*45), err
}

var errGammaOverflow = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")

func gammaFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	switch {
	case math.IsNaN(x), math.IsInf(x, 1):
		return types.NewFloat(types.Float8, x), nil
	case math.IsInf(x, -1), x == 0, x < 0 && x == math.Floor(x):
		return types.Datum{}, errGammaOverflow
	}
	r := math.Gamma(x)
	switch {
	case math.IsInf(r, 0) || math.IsNaN(r):
		return types.Datum{}, errGammaOverflow
	case r == 0:
		return types.Datum{}, types.ErrFloatUnderflow
	}
	return types.NewFloat(types.Float8, r), nil
}

func lgammaFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	r, _ := math.Lgamma(x)
	if math.IsInf(r, 0) && !math.IsInf(x, 0) {
		return types.Datum{}, errGammaOverflow
	}
	return types.NewFloat(types.Float8, r), nil
}
