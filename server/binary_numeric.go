package server

import (
	"bytes"
	"encoding/binary"
	"math/big"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// A binary numeric is four 16-bit numbers, then digits to the base of 10,000: how many digits, the power of 10,000
// of the first, the sign, and the decimal digits to show after the point.
const (
	numericBase     = 10000
	numericBaseLog  = 4
	numericHeader   = 8
	numericNegative = 0x4000
	numericNaN      = 0xc000
	numericPosInf   = 0xd000
	numericNegInf   = 0xf000
	numericInfScale = 32 // what PostgreSQL sends with an infinity
	numericScaleMax = 0x3fff
)

func appendNumericBinary(dst []byte, d types.Datum) []byte {
	put := func(digits, weight, sign, scale int) []byte {
		for _, v := range []int{digits, weight, sign, scale} {
			dst = binary.BigEndian.AppendUint16(dst, uint16(v))
		}
		return dst
	}
	switch {
	case d.Form == types.NumNaN:
		return put(0, 0, numericNaN, 0)
	case d.Form == types.NumInf && d.I > 0:
		return put(0, 0, numericPosInf, numericInfScale)
	case d.Form == types.NumInf:
		return put(0, 0, numericNegInf, numericInfScale)
	}
	text := types.AppendText(make([]byte, 0, 64), d, types.T(types.Numeric), nil)
	sign := 0
	if text[0] == '-' {
		sign, text = numericNegative, text[1:]
	}
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	groups := appendGroups(make([]uint16, 0, 16), whole, -len(whole)&(numericBaseLog-1))
	weight := len(groups) - 1
	groups = appendGroups(groups, fraction, 0)
	for len(groups) > 0 && groups[0] == 0 {
		groups = groups[1:]
		weight--
	}
	for len(groups) > 0 && groups[len(groups)-1] == 0 {
		groups = groups[:len(groups)-1]
	}
	if len(groups) == 0 {
		weight, sign = 0, 0
	}
	put(len(groups), weight, sign, len(fraction))
	for _, g := range groups {
		dst = binary.BigEndian.AppendUint16(dst, g)
	}
	return dst
}

// appendGroups appends decimal digits in groups of four, after so many zeros; zeros fill the last group.
func appendGroups(groups []uint16, digits []byte, zeros int) []uint16 {
	for len(digits) > 0 {
		n := min(numericBaseLog-zeros, len(digits))
		v := uint16(0)
		for _, c := range digits[:n] {
			v = v*10 + uint16(c-'0')
		}
		for range numericBaseLog - zeros - n {
			v *= 10
		}
		groups = append(groups, v)
		digits, zeros = digits[n:], 0
	}
	return groups
}

func invalidNumeric(part string) error {
	return sqlerr.Newf(sqlerr.InvalidBinaryRepresentation, "invalid %s in external \"numeric\" value", part)
}

func parseNumericBinary(b []byte, t types.Type) (types.Datum, error) {
	if len(b) < numericHeader {
		return types.Datum{}, errBinaryShort
	}
	head := func(i int) int { return int(binary.BigEndian.Uint16(b[2*i:])) }
	digits, weight, sign, scale := head(0), int(int16(head(1))), head(2), head(3)
	if b = b[numericHeader:]; len(b) < 2*digits {
		return types.Datum{}, errBinaryShort
	} else if len(b) > 2*digits {
		return types.Datum{}, errBinaryFormat
	}
	switch sign {
	case 0, numericNegative:
	case numericNaN:
		return types.NumericNaN(), nil
	case numericPosInf, numericNegInf:
		d := types.NumericInf(1)
		if sign == numericNegInf {
			d = types.NumericInf(-1)
		}
		return types.Coerce(d, t, false)
	default:
		return types.Datum{}, invalidNumeric("sign")
	}
	if scale > numericScaleMax {
		return types.Datum{}, invalidNumeric("scale")
	}
	v, group := new(big.Int), new(big.Int)
	base := big.NewInt(numericBase)
	for i := range digits {
		g := binary.BigEndian.Uint16(b[2*i:])
		if g >= numericBase {
			return types.Datum{}, invalidNumeric("digit")
		}
		v.Add(v.Mul(v, base), group.SetInt64(int64(g)))
	}
	// The digits end at a power of ten; digits beyond the scale are cut.
	power := numericBaseLog*(weight-digits+1) + scale
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power >= 0 {
		v.Mul(v, factor)
	} else {
		v.Quo(v, factor)
	}
	if sign == numericNegative {
		v.Neg(v)
	}
	d, err := types.NewBigNumeric(v, scale)
	if err != nil {
		return types.Datum{}, err
	}
	return types.Coerce(d, t, false)
}

// intervalSize is the bytes of a binary interval: microseconds, days and months.
const intervalSize = 16

func appendIntervalBinary(dst []byte, d types.Datum) []byte {
	months, days, micros := d.IntervalParts()
	dst = binary.BigEndian.AppendUint64(dst, uint64(micros))
	dst = binary.BigEndian.AppendUint32(dst, uint32(days))
	return binary.BigEndian.AppendUint32(dst, uint32(months))
}

func parseIntervalBinary(b []byte, t types.Type) (types.Datum, error) {
	if len(b) < intervalSize {
		return types.Datum{}, errBinaryShort
	}
	if len(b) > intervalSize {
		return types.Datum{}, errBinaryFormat
	}
	d := types.NewInterval(int32(binary.BigEndian.Uint32(b[12:])), int32(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint64(b)))
	return types.Coerce(d, t, false)
}
