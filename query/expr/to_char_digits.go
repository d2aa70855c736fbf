package expr

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// numberWriter fills a template with the digits of a number. Its rules are those of PostgreSQL, case by case: where
// the sign stands, which zeros are shown, and what blanks replace.
type numberWriter struct {
	f         *numberFormat
	b         strings.Builder
	number    string
	at        int // in number
	relevant  int // the last position of number that is shown in fill mode; -1: all are
	sign      byte
	signDone  bool
	signAfter bool
	digits    int // that the template has, less one, plus one for a sign
	current   int // digit of the template
	blanks    int // before the number
	begun     bool
	zeroStart int
	brackets  bool
	err       error
}

// run writes a number.
func (f *numberFormat) run(t decimalText, number string, blanks int) (types.Datum, error) {
	w := &numberWriter{f: f, number: number, relevant: -1, sign: t.sign, signAfter: f.signAfter, blanks: blanks, zeroStart: max(f.zeroStart-1, 0),
		brackets: f.has(numBracket)}
	if !f.has(numRoman) {
		w.prepare()
	}
	for i := range f.nodes {
		if n := &f.nodes[i]; n.key == "" {
			w.b.WriteString(n.text)
		} else {
			w.pattern(n)
		}
	}
	out := w.b.String()
	if end := strings.IndexByte(out, 0); end >= 0 {
		out = out[:end] // a digit beyond the number ends the text
	}
	return newText(out), w.err
}

func (w *numberWriter) prepare() {
	f := w.f
	fill := f.has(numFill)
	if f.flags&(numPlus|numMinus) != 0 {
		w.signDone = f.has(numMinus)
	} else {
		if w.sign != '-' && fill {
			w.brackets = false
		}
		w.signDone = w.sign == '+' && fill && !f.has(numSign)
		if f.has(numSign) && !w.signAfter && f.pre == f.signPre {
			w.signAfter = true
		}
	}
	w.digits = f.post + f.pre - 1
	if fill && f.has(numDecimal) {
		w.findRelevant()
	}
	if !w.signDone && w.blanks == 0 {
		w.digits++
	}
}

// findRelevant finds the last digit after the point that is not zero; digits that the template asks for by 0 stay.
func (w *numberWriter) findRelevant() {
	point := strings.IndexByte(w.number, '.')
	if point < 0 {
		return
	}
	w.relevant = point
	for i := point + 1; i < len(w.number); i++ {
		if w.number[i] != '0' {
			w.relevant = i
		}
	}
	if w.f.zeroEnd > w.blanks {
		w.relevant = max(w.relevant, min(len(w.number)-1, w.f.zeroEnd-w.blanks))
	}
}

// pattern writes what a pattern stands for.
func (w *numberWriter) pattern(n *templateNode) {
	fill := w.f.has(numFill)
	orBlank := func(show bool, text string) {
		switch {
		case show:
			w.b.WriteString(text)
		case !fill:
			w.b.WriteByte(' ')
		}
	}
	switch key := strings.ToUpper(n.key); key {
	case "9", "0", ".", "D":
		if !w.f.has(numRoman) {
			w.digit(key)
		}
	case ",", "G":
		orBlank(w.begun, ",")
	case "L":
		w.b.WriteByte(' ')
	case "RN":
		text := w.number
		if n.key == "rn" {
			text = strings.ToLower(text)
		}
		width := 15
		if fill {
			width = 0
		}
		fmt.Fprintf(&w.b, "%*s", width, text)
	case "TH":
		if w.f.has(numRoman) || w.number[0] == '#' || w.sign == '-' || w.f.has(numDecimal) {
			return
		}
		if last := w.number[len(w.number)-1]; last < '0' || last > '9' {
			w.err = sqlerr.Newf(sqlerr.InvalidTextRepresentation, "\"%s\" is not a number", w.number)
			return
		}
		w.b.WriteString(ordinalSuffix(w.number, n.key))
	case "MI":
		orBlank(w.sign == '-', "-")
	case "PL":
		orBlank(w.sign == '+', "+")
	case "SG":
		w.b.WriteByte(w.sign)
	}
}

// onPoint reports whether the fraction has no digit to show.
func (w *numberWriter) onPoint() bool { return w.relevant >= 0 && w.number[w.relevant] == '.' }

// hidesZero reports whether the digit is the 0 before a point, which templates without 0 do not show.
func (w *numberWriter) hidesZero() bool {
	return !w.f.has(numZero) && w.at == 0 && w.number[0] == '0' && w.f.post != 0
}

// next is the character of the number to show; 0 at its end.
func (w *numberWriter) next() byte {
	if w.at < len(w.number) {
		return w.number[w.at]
	}
	return 0
}

// digit writes a digit or the point, and the sign before the first and after the last one.
func (w *numberWriter) digit(key string) {
	w.begun = false
	zero, fill := w.f.has(numZero), w.f.has(numFill)
	if !w.signDone && (w.current >= w.blanks || zero && w.zeroStart == w.current) && (!w.hidesZero() || w.onPoint()) {
		w.writeSign()
	}
	switch {
	case w.current < w.blanks && (w.zeroStart > w.current || !zero):
		if !fill {
			w.b.WriteByte(' ')
		}
	case zero && w.current < w.blanks:
		w.b.WriteByte('0')
		w.begun = true
	default:
		w.writeDigit(key)
	}
	end := w.digits
	if w.blanks > 0 {
		end++
	}
	if w.f.has(numDecimal) {
		end++
	}
	if w.relevant >= 0 && w.relevant == w.at {
		end = w.current
	}
	if w.current+1 == end {
		w.closeSign()
	}
	w.current++
}

func (w *numberWriter) writeDigit(key string) {
	fill := w.f.has(numFill)
	switch c := w.next(); {
	case c == '.':
		if !w.onPoint() || fill {
			w.b.WriteByte('.')
		}
	case w.relevant >= 0 && w.at > w.relevant && key != "0":
	case w.hidesZero():
		if !fill {
			w.b.WriteByte(' ')
		} else if w.onPoint() {
			w.b.WriteByte('0')
		}
	default:
		w.b.WriteByte(c)
		w.begun = true
	}
	if w.at < len(w.number) {
		w.at++
	}
}

// writeSign writes the sign where the number begins.
func (w *numberWriter) writeSign() {
	switch {
	case w.f.has(numSign):
		if !w.signAfter {
			w.b.WriteByte(w.sign)
			w.signDone = true
		}
	case w.brackets:
		if w.sign == '+' {
			w.b.WriteByte(' ')
		} else {
			w.b.WriteByte('<')
		}
		w.signDone = true
	case w.sign == '+':
		if !w.f.has(numFill) {
			w.b.WriteByte(' ')
		}
		w.signDone = true
	case w.sign == '-':
		w.b.WriteByte('-')
		w.signDone = true
	}
}

// closeSign writes what stands behind the last digit.
func (w *numberWriter) closeSign() {
	switch {
	case w.signDone && w.brackets:
		if w.sign == '+' {
			w.b.WriteByte(' ')
		} else {
			w.b.WriteByte('>')
		}
	case w.f.has(numSign) && w.signAfter:
		w.b.WriteByte(w.sign)
	}
}
