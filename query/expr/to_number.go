package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// numberReader takes the digits of a number out of a text, guided by a template, as PostgreSQL does.
type numberReader struct {
	f         *numberFormat
	s         string
	at        int
	sign      byte // 0: none yet
	digits    []byte
	pre, post int
	point     bool
}

// toNumber is to_number.
func toNumber(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[1].S == "" {
		return types.NullOf(types.Numeric), nil
	}
	f, err := newNumberFormat(args[1].S)
	switch {
	case err != nil:
		return types.Datum{}, err
	case f.has(numExponent):
		return types.Datum{}, sqlerr.New(sqlerr.FeatureNotSupported, `"EEEE" not supported for input`)
	case f.has(numRoman):
		return types.Datum{}, sqlerr.Unsupported("RN in to_number")
	}
	r := &numberReader{f: f, s: args[0].S}
	for i := range f.nodes {
		if r.done() {
			break
		}
		r.node(&f.nodes[i])
	}
	return r.value()
}

// value makes a number of the digits; it must have room in the template.
func (r *numberReader) value() (types.Datum, error) {
	sign := " "
	if r.sign != 0 {
		sign = string(rune(r.sign))
	}
	text := sign + strings.TrimSuffix(string(r.digits), ".")
	d, err := types.Parse(types.T(types.Numeric), text)
	if err != nil {
		return d, err
	}
	if d, err = types.Coerce(d, types.NumericPS(r.f.pre+r.f.multi+r.post, r.post), false); err != nil || !r.f.has(numMulti) {
		return d, err
	}
	factor, err := types.NumericPower(types.NumericFromInt(10), types.NumericFromInt(int64(-r.f.multi)))
	if err != nil {
		return d, err
	}
	return types.NumericMul(d, factor)
}

func (r *numberReader) done() bool { return r.at >= len(r.s) }

func (r *numberReader) skipCharacter() {
	_, size := utf8.DecodeRuneInString(r.s[r.at:])
	r.at += size
}

// skipOther skips up to n characters that are no part of a number.
func (r *numberReader) skipOther(n int) {
	for ; n > 0 && !r.done() && strings.IndexByte("0123456789.,+-", r.s[r.at]) < 0; n-- {
		r.skipCharacter()
	}
}

// node reads what a piece of the template stands for.
func (r *numberReader) node(n *templateNode) {
	switch key := strings.ToUpper(n.key); key {
	case "":
		r.skipCharacter()
	case "9", "0", ".", "D":
		r.digit(key)
		r.at++
	case ",", "G":
		if !r.f.has(numFill) && r.s[r.at] == ',' {
			r.at++
		}
	case "L":
		r.skipOther(1)
	case "MI", "PL", "SG":
		if c := r.s[r.at]; c == '-' && key != "PL" || c == '+' && key != "MI" {
			r.sign = c
			r.at++
		} else {
			r.skipOther(1)
		}
	case "TH":
		if !r.f.has(numDecimal) {
			r.skipOther(2)
		}
	}
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

// digit reads a digit or the point, and a sign before the first and after the last digit.
func (r *numberReader) digit(key string) {
	if r.s[r.at] == ' ' {
		r.at++
	}
	if r.done() {
		return
	}
	if r.sign == 0 && (key == "0" || key == "9") && r.pre+r.post == 0 {
		r.leadingSign()
	}
	if r.done() {
		return
	}
	read := false
	switch c := r.s[r.at]; {
	case isDecimal(c):
		if r.point && r.post == r.f.post {
			return
		}
		r.digits = append(r.digits, c)
		if r.point {
			r.post++
		} else {
			r.pre++
		}
		read = true
	case c == '.' && r.f.has(numDecimal) && !r.point:
		r.digits = append(r.digits, '.')
		r.point, read = true, true
	}
	if r.sign == 0 && r.pre+r.post > 0 {
		r.trailingSign(read)
	}
}

func (r *numberReader) leadingSign() {
	c := r.s[r.at]
	anywhere := !r.f.has(numSign)
	switch {
	case r.f.has(numSign) && r.f.signAfter:
		if c == '-' || c == '+' {
			r.sign = c
			r.at++
		}
		return
	case c == '-', anywhere && r.f.has(numBracket) && c == '<':
		r.sign = '-'
		r.at++
	case c == '+':
		r.sign = '+'
		r.at++
	}
}

// trailingSign reads the sign of S directly behind a digit, or that of MI, PL and SG.
func (r *numberReader) trailingSign(read bool) {
	switch {
	case r.f.has(numSign) && read:
		if r.at+1 < len(r.s) && (r.s[r.at+1] == '-' || r.s[r.at+1] == '+') {
			r.at++
			r.sign = r.s[r.at]
		}
	case !read && !r.f.has(numSign) && r.f.flags&(numPlus|numMinus) != 0:
		if c := r.s[r.at]; c == '-' || c == '+' {
			r.sign = c
		}
	}
}
