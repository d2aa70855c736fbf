package logictest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Outcome is how a statement ended.
type Outcome struct {
	Names, Types []string // nil if it returns no rows
	Rows         [][]Value
	Tag          string
	Err          *Error
}

// Value is a value as text; NULL is not valid.
type Value struct {
	Text  string
	Valid bool
}

// String returns the value as files spell it.
func (v Value) String() string {
	if !v.Valid {
		return "NULL"
	}
	q := strconv.Quote(v.Text)
	if v.Text == "" || v.Text == "NULL" || v.Text == separator || strings.ContainsAny(v.Text, "|\n\r\t") || v.Text[0] == '"' ||
		strings.TrimSpace(v.Text) != v.Text || len(q) != len(v.Text)+2 && strings.ContainsFunc(v.Text, func(r rune) bool { return r < ' ' }) {
		return q
	}
	return v.Text
}

// tagRows returns the count at the end of a command tag, -1 if it has none.
func (o *Outcome) tagRows() int64 {
	i := strings.LastIndexByte(o.Tag, ' ')
	n, err := strconv.ParseInt(o.Tag[i+1:], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// lines returns the rows as files spell them.
func (o *Outcome) lines(r *Record) []string {
	var lines []string
	for _, row := range o.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = v.String()
		}
		if len(cells) == 0 {
			cells = []string{"()"}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	if r.RowSort {
		slices.Sort(lines)
	}
	if r.ColNames {
		lines = append([]string{strings.Join(o.Names, "|")}, lines...)
	}
	return lines
}

// expectation returns what a record must say for the outcome to be right.
func (o *Outcome) expectation(r *Record) Expectation {
	w := Expectation{Rows: -1}
	switch {
	case o.Err != nil:
		w.Err = o.Err
	case o.Types != nil && (r.Kind == Query || r.Kind == Finish):
		w.Types, w.Lines = o.Types, o.lines(r)
	default:
		w.Rows = o.tagRows()
	}
	return w
}

// differs compares an outcome with what a record expects; "" if it is as expected.
func (o *Outcome) differs(r *Record) string {
	w := &r.Want
	switch {
	case w.Unknown:
		return "nothing is expected yet: let PostgreSQL complete the file"
	case w.Err != nil && o.Err == nil:
		if r.MaySucceed {
			return ""
		}
		return fmt.Sprintf("succeeded, but must fail: %s", w.Err)
	case w.Err != nil:
		return errorDiffers(w.Err, o.Err)
	case o.Err != nil:
		return fmt.Sprintf("failed: %s", o.Err)
	}
	got := o.expectation(r)
	if (w.Types == nil) != (got.Types == nil) {
		return fmt.Sprintf("columns %v instead of %v", got.Types, w.Types)
	}
	if w.Types == nil && w.Rows != got.Rows {
		return fmt.Sprintf("tag %q, but the count must be %d", o.Tag, w.Rows)
	}
	if !slices.Equal(w.Types, got.Types) {
		return fmt.Sprintf("types %s instead of %s", typeList(got.Types), typeList(w.Types))
	}
	return linesDiffer(w.Lines, got.Lines)
}

func errorDiffers(want, got *Error) string {
	if got.Code != want.Code || want.At != 0 && got.At != want.At || !strings.Contains(got.Message, want.Message) {
		return fmt.Sprintf("failed with %s\n   instead of    %s", got, want)
	}
	return ""
}

// linesShown bounds the lines of a difference that are shown.
const linesShown = 8

func linesDiffer(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	show := func(lines []string) string {
		lines = lines[at:]
		if len(lines) > linesShown {
			lines = append(slices.Clone(lines[:linesShown]), "…")
		}
		return strings.Join(lines, "\n     ")
	}
	return fmt.Sprintf("%d rows, want %d; from row %d on\n  got\n     %s\n  want\n     %s", len(got), len(want), at+1, show(got), show(want))
}
