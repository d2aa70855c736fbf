package expr

import (
	"fmt"
	"math"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// numberFlags are what the patterns of a template of numbers ask for.
type numberFlags uint16

const (
	numDecimal numberFlags = 1 << iota
	numZero
	numBlank
	numFill
	numSign // S
	numBracket
	numMinus
	numPlus
	numRoman
	numMulti // V
	numExponent
)

// numberFormat describes a template of numbers.
type numberFormat struct {
	nodes     []templateNode
	flags     numberFlags
	pre, post int // digits before and after the decimal point
	multi     int // digits after V
	zeroStart int // the digit, from 1, that zeros begin at
	zeroEnd   int
	signAfter bool // S stands behind the digits
	signPre   int  // digits before S
}

func (f *numberFormat) has(flag numberFlags) bool { return f.flags&flag != 0 }

func formatSyntax(message string) error { return sqlerr.New(sqlerr.SyntaxError, message) }

// newNumberFormat reads a template.
func newNumberFormat(template string) (*numberFormat, error) {
	f := &numberFormat{nodes: parseTemplate(template, false)}
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.key == "" {
			continue
		}
		if f.has(numExponent) && !strings.EqualFold(n.key, "EEEE") {
			return nil, formatSyntax(`"EEEE" must be the last pattern used`)
		}
		if err := f.add(strings.ToUpper(n.key)); err != nil {
			return nil, err
		}
	}
	if f.has(numRoman) && f.flags&^(numRoman|numFill) != 0 {
		return nil, formatSyntax(`"RN" is incompatible with other formats`).(*sqlerr.Error).
			WithDetail("\"RN\" may only be used together with \"FM\".")
	}
	return f, nil
}

// add takes a pattern in.
func (f *numberFormat) add(key string) error {
	switch key {
	case "9", "0":
		return f.addDigit(key)
	case "B":
		if f.pre == 0 && f.post == 0 && !f.has(numZero) {
			f.flags |= numBlank
		}
	case "D", ".":
		if f.has(numDecimal) {
			return formatSyntax("multiple decimal points")
		}
		if f.has(numMulti) {
			return formatSyntax(`cannot use "V" and decimal point together`)
		}
		f.flags |= numDecimal
	case "FM":
		f.flags |= numFill
	case "S":
		return f.addSign()
	case "MI", "PL", "SG":
		if f.has(numSign) {
			return formatSyntax(`cannot use "S" and "` + key + `" together`)
		}
		f.flags |= map[string]numberFlags{"MI": numMinus, "PL": numPlus, "SG": numMinus | numPlus}[key]
	case "PR":
		if f.flags&(numSign|numPlus|numMinus) != 0 {
			return formatSyntax(`cannot use "PR" and "S"/"PL"/"MI"/"SG" together`)
		}
		f.flags |= numBracket
	case "RN":
		if f.has(numRoman) {
			return formatSyntax(`cannot use "RN" twice`)
		}
		f.flags |= numRoman
	case "V":
		if f.has(numDecimal) {
			return formatSyntax(`cannot use "V" and decimal point together`)
		}
		f.flags |= numMulti
	case "EEEE":
		if f.has(numExponent) {
			return formatSyntax(`cannot use "EEEE" twice`)
		}
		if f.flags&^(numDecimal|numZero) != 0 {
			return formatSyntax(`"EEEE" is incompatible with other formats`).(*sqlerr.Error).
				WithDetail("\"EEEE\" may only be used together with digit and decimal point patterns.")
		}
		f.flags |= numExponent
	}
	return nil
}

func (f *numberFormat) addDigit(key string) error {
	if f.has(numBracket) {
		return formatSyntax(`"` + key + `" must be ahead of "PR"`)
	}
	if key == "0" {
		if !f.has(numZero) && !f.has(numDecimal) {
			f.flags |= numZero
			f.zeroStart = f.pre + 1
		}
	} else if f.has(numMulti) {
		f.multi++
		return nil
	}
	if f.has(numDecimal) {
		f.post++
	} else {
		f.pre++
	}
	if key == "0" {
		f.zeroEnd = f.pre + f.post
	}
	return nil
}

func (f *numberFormat) addSign() error {
	switch {
	case f.has(numSign):
		return formatSyntax(`cannot use "S" twice`)
	case f.flags&(numPlus|numMinus|numBracket) != 0:
		return formatSyntax(`cannot use "S" and "PL"/"MI"/"SG"/"PR" together`)
	case !f.has(numDecimal):
		f.signPre = f.pre
	default:
		f.signAfter = true
	}
	f.flags |= numSign
	return nil
}

// decimalText is a number as a template takes it: digits without sign, and the sign.
type decimalText struct {
	digits string
	sign   byte
}

// layout pads or overflows the digits for the template.
func (f *numberFormat) layout(t decimalText) (number string, blanks int) {
	whole := strings.IndexByte(t.digits, '.')
	if whole < 0 {
		whole = len(t.digits)
	}
	if whole > f.pre {
		return strings.Repeat("#", f.pre) + "." + strings.Repeat("#", f.post), 0
	}
	return t.digits, f.pre - whole
}

func splitSign(s string) decimalText {
	if strings.HasPrefix(s, "-") {
		return decimalText{s[1:], '-'}
	}
	return decimalText{s, '+'}
}

// toCharNumber is to_char of a number.
func toCharNumber(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[1].S == "" {
		return newText(""), nil
	}
	f, err := newNumberFormat(args[1].S)
	if err != nil {
		return types.Datum{}, err
	}
	d := args[0]
	switch {
	case f.has(numRoman):
		return f.run(decimalText{romanNumber(d), 0}, romanNumber(d), 0)
	case f.has(numExponent):
		s, err := f.scientific(d)
		return newText(s), err
	}
	var t decimalText
	switch d.K {
	case types.Numeric:
		t, err = f.numericText(d)
	case types.Float4, types.Float8:
		t = f.floatText(d)
	default:
		t, err = f.intText(d)
	}
	if err != nil {
		return types.Datum{}, err
	}
	number, blanks := f.layout(t)
	return f.run(t, number, blanks)
}

func (f *numberFormat) numericText(d types.Datum) (t decimalText, err error) {
	if f.has(numMulti) {
		factor, err := types.NumericPower(types.NumericFromInt(10), types.NumericFromInt(int64(f.multi)))
		if err != nil {
			return t, err
		}
		if d, err = types.NumericMul(d, factor); err != nil {
			return t, err
		}
		f.pre += f.multi
	}
	if d, err = types.NumericRound(d, f.post); err != nil {
		return t, err
	}
	return splitSign(types.T(types.Numeric).Text(d)), nil
}

func (f *numberFormat) intText(d types.Datum) (t decimalText, err error) {
	v := d.I
	if f.has(numMulti) {
		var ok bool
		factor := math.Pow10(f.multi)
		if d.K == types.Int4 {
			v = int64(int32(v) * int32(factor)) // wraps, as PostgreSQL's
		} else if factor >= 1<<63 {
			return t, types.OutOfRange(types.Int8)
		} else if v, ok = mulExact(v, int64(factor)); !ok {
			return t, types.OutOfRange(types.Int8)
		}
		f.pre += f.multi
	}
	t = splitSign(fmt.Sprint(v))
	if f.post > 0 {
		t.digits += "." + strings.Repeat("0", f.post)
	}
	return t, nil
}

// floatText shows no more digits than the type has.
func (f *numberFormat) floatText(d types.Datum) decimalText {
	v, digits := d.Float(), 15
	if d.K == types.Float4 {
		digits = 6
	}
	if f.has(numMulti) {
		v *= math.Pow10(f.multi)
		if d.K == types.Float4 {
			v = float64(float32(v))
		}
		f.pre += f.multi
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		f.clipPost(8, digits, math.IsNaN(v))
		return splitSign(strings.TrimPrefix(types.T(types.Float8).Text(types.NewFloat(types.Float8, v)), "+"))
	}
	whole := len(fmt.Sprintf("%.0f", math.Abs(v)))
	if whole >= digits {
		f.post = 0
	} else if whole+f.post > digits {
		f.post = digits - whole
	}
	return splitSign(fmt.Sprintf("%.*f", f.post, v))
}

func (f *numberFormat) clipPost(whole, digits int, nan bool) {
	if nan {
		whole = 3
	}
	if whole >= digits {
		f.post = 0
	} else if whole+f.post > digits {
		f.post = digits - whole
	}
}

// scientific is a number with an exponent; a blank stands for plus.
func (f *numberFormat) scientific(d types.Datum) (string, error) {
	text := ""
	switch d.K {
	case types.Float4, types.Float8:
		v := d.Float()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return f.noNumber(), nil
		}
		text = fmt.Sprintf("%.*e", f.post, v)
	case types.Int4:
		text = fmt.Sprintf("%.*e", f.post, float64(d.I))
	default:
		if d.K == types.Int8 {
			d = types.NumericFromInt(d.I)
		}
		if !d.IsFinite() {
			return f.noNumber(), nil
		}
		var err error
		if text, err = numericScientific(d, f.post); err != nil {
			return "", err
		}
	}
	if text[0] != '-' {
		text = " " + text
	}
	return text, nil
}

// noNumber fills the place of a number that has no digits.
func (f *numberFormat) noNumber() string {
	b := []byte(strings.Repeat("#", f.pre+f.post+6))
	b[0] = ' '
	b[f.pre+1] = '.'
	return string(b)
}

// numericScientific rounds to digits after the point of the leading digit.
func numericScientific(d types.Datum, digits int) (string, error) {
	text := types.T(types.Numeric).Text(d)
	bare := strings.TrimPrefix(text, "-")
	point := strings.IndexByte(bare, '.')
	if point < 0 {
		point = len(bare)
	}
	first := strings.IndexFunc(bare, func(r rune) bool { return r >= '1' && r <= '9' })
	exponent := 0
	if first >= 0 {
		exponent = point - first
		if first < point {
			exponent--
		}
	}
	shifted, err := types.NumericShift(d, -exponent)
	if err != nil {
		return "", err
	}
	if shifted, err = types.NumericRound(shifted, digits); err != nil {
		return "", err
	}
	return fmt.Sprintf("%se%+03d", types.T(types.Numeric).Text(shifted), exponent), nil
}

// romanMax is the largest number with a Roman numeral.
const romanMax = 3999

var romanDigits = [4][10]string{
	{"", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"},
	{"", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"},
	{"", "C", "CC", "CCC", "CD", "D", "DC", "DCC", "DCCC", "CM"},
	{"", "M", "MM", "MMM"},
}

// romanNumber returns 15 # for what has no Roman numeral.
func romanNumber(d types.Datum) string {
	none := strings.Repeat("#", 15)
	v := int64(0)
	switch d.K {
	case types.Numeric:
		var err error
		if v, err = types.NumericToInt(types.Int4, d); err != nil {
			return none
		}
	case types.Float4, types.Float8:
		f := math.RoundToEven(d.Float())
		if !(f >= 1 && f <= romanMax) {
			return none
		}
		v = int64(f)
	default:
		v = d.I
	}
	if v < 1 || v > romanMax {
		return none
	}
	return romanDigits[3][v/1000] + romanDigits[2][v/100%10] + romanDigits[1][v/10%10] + romanDigits[0][v%10]
}
