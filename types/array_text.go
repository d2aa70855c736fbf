package types

import (
	"strings"

	"github.com/laminadb/lamina/sqlerr"
)

// ArrayElement is an element of an array of the system catalogs: its text, or NULL.
type ArrayElement struct {
	Text string
	Null bool
}

// ArrayElements takes the text of a value of an array kind apart: {a,"b c",NULL}, or 1 2 of the vectors. Arrays of
// several dimensions are 0A000.
func ArrayElements(k Kind, text string) (out []ArrayElement, err error) {
	if k == Int2Vector || k == OIDVector {
		for _, f := range strings.Fields(text) {
			out = append(out, ArrayElement{Text: f})
		}
		return out, nil
	}
	malformed := sqlerr.Newf(sqlerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", text)
	s := strings.TrimSpace(text)
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return nil, malformed
	}
	s = s[1 : len(s)-1]
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	for {
		var e ArrayElement
		if e, s, err = arrayElement(s); err != nil {
			return nil, err
		}
		if e.Text == "" && s == "\x00" {
			return nil, malformed
		}
		out = append(out, e)
		if s == "" {
			return out, nil
		}
		if s[0] != ',' {
			return nil, malformed
		}
		s = s[1:]
	}
}

// arrayElement reads one element and returns what follows it; "\x00" if it is malformed.
func arrayElement(s string) (e ArrayElement, rest string, err error) {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	if strings.HasPrefix(s, "{") {
		return e, "", sqlerr.Unsupported("an array of several dimensions")
	}
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		word := strings.TrimSpace(s[:end])
		if word == "" || strings.ContainsAny(word, `{}"\`) {
			return e, "\x00", nil
		}
		return ArrayElement{Text: word, Null: strings.EqualFold(word, "null")}, s[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
		case s[i] == '"':
			return ArrayElement{Text: b.String()}, strings.TrimLeft(s[i+1:], " \t\n\r\v\f"), nil
		}
		b.WriteByte(s[i])
	}
	return ArrayElement{}, "\x00", nil
}

// AppendArrayElement appends the text of an element as it stands within an array.
func AppendArrayElement(dst []byte, e ArrayElement) []byte {
	switch {
	case e.Null:
		return append(dst, "NULL"...)
	case e.Text != "" && !strings.EqualFold(e.Text, "null") && !strings.ContainsAny(e.Text, "{}\"\\, \t\n\r\v\f"):
		return append(dst, e.Text...)
	}
	dst = append(dst, '"')
	for i := range len(e.Text) {
		if c := e.Text[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, e.Text[i])
	}
	return append(dst, '"')
}

// parseArray reads an array and returns it in the one form that equal arrays have.
func parseArray(k Kind, text string) (Datum, error) {
	element := k.ElementKind()
	if element == Unknown {
		return Datum{}, sqlerr.Unsupported("a literal of type " + k.String())
	}
	items, err := ArrayElements(k, text)
	if err != nil {
		return Datum{}, err
	}
	vector := k == Int2Vector || k == OIDVector
	var b []byte
	if !vector {
		b = append(b, '{')
	}
	for i, e := range items {
		if !e.Null {
			d, err := Parse(T(element), e.Text)
			if err != nil {
				return Datum{}, err
			}
			e.Text = string(AppendText(nil, d, T(element), nil))
		}
		switch {
		case i > 0 && vector:
			b = append(b, ' ')
		case i > 0:
			b = append(b, ',')
		}
		b = AppendArrayElement(b, e)
	}
	if !vector {
		b = append(b, '}')
	}
	return NewString(k, string(b)), nil
}
