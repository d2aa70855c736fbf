package logictest

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a record does.
type Kind uint8

// The kinds of records.
const (
	Statement Kind = iota
	Query
	Copy
	Finish    // of a statement that blocks
	WriteFile // a file for COPY
	Comment   // comments alone
)

var kindNames = map[string]Kind{"statement": Statement, "query": Query, "copy": Copy, "finish": Finish, "file": WriteFile}

// Record is a step of a file.
type Record struct {
	Line int // of the directive
	// Head are the lines before the directive: comments and conditions, as written.
	Head []string
	Conn string
	// SkipIf is a feature that Lamina lacks, OnlyIf a system; "" if not given.
	SkipIf, OnlyIf string
	Kind           Kind
	// Words between the directive's name and its expectation.
	Multi, MaySucceed, RowSort, ColNames bool
	Blocks                               bool // statement blocks
	Name                                 string
	SQL                                  string
	Input                                []string // of Copy and WriteFile
	Want                                 Expectation
}

// Expectation is how a record ends.
type Expectation struct {
	// Unknown: nothing is written yet, as in a draft that PostgreSQL is to complete.
	Unknown bool
	Rows    int64 // of the command tag; -1: it has no count
	Err     *Error
	// Types and Lines are those of a query; Lines begins with the names if ColNames is set.
	Types []string
	Lines []string
}

// Error is a failure as a client sees it.
type Error struct {
	Code    string
	At      int // position, 0 if unknown
	Message string
}

// String returns the error as a directive spells it.
func (e *Error) String() string {
	s := e.Code
	if e.At > 0 {
		s += "@" + strconv.Itoa(e.At)
	}
	return strings.TrimSpace(s + " " + e.Message)
}

// File is a test file.
type File struct {
	Name    string // relative, without extension
	Records []*Record
}

// Count returns the number of records that run something.
func (f *File) Count() int {
	n := 0
	for _, r := range f.Records {
		if r.Kind != Comment && r.Kind != WriteFile {
			n++
		}
	}
	return n
}

// separator stands between SQL and rows.
const separator = "----"

// Parse reads a file.
func Parse(name, text string) (*File, error) {
	f := &File{Name: name}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		if lines[i] == "" {
			i++
			continue
		}
		from := i
		for i < len(lines) && lines[i] != "" {
			i++
		}
		r, err := parseRecord(lines[from:i], from+1)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, from+1, err)
		}
		f.Records = append(f.Records, r)
	}
	return f, nil
}

func parseRecord(lines []string, at int) (*Record, error) {
	r := &Record{Line: at, Kind: Comment, Conn: "main"}
	for i, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		if k, ok := kindNames[word]; ok {
			r.Line, r.Kind = at+i, k
			if err := r.directive(strings.Fields(rest), rest); err != nil {
				return nil, err
			}
			return r, r.body(lines[i+1:])
		}
		r.Head = append(r.Head, line)
		name, _, _ := strings.Cut(rest, " ")
		switch word {
		case "conn":
			r.Conn = name
		case "skipif":
			if r.SkipIf = name; features[name] == nil {
				return nil, fmt.Errorf("skipif %s: no such feature", name)
			}
		case "onlyif":
			r.OnlyIf = name
		default:
			if !strings.HasPrefix(line, "#") {
				return nil, fmt.Errorf("unknown directive %q", word)
			}
		}
	}
	return r, nil
}

// directive reads the words after the directive's name.
func (r *Record) directive(words []string, rest string) error {
	r.Want.Rows = -1
	if r.Kind == WriteFile {
		r.Name = rest
		return nil
	}
	if r.Kind == Finish && len(words) > 0 && words[0] == "query" {
		r.Kind, words = Finish, words[1:]
		r.Want.Types = []string{}
	}
	if r.Kind == Query {
		r.Want.Types = []string{}
	}
	known := false
	for i, w := range words {
		switch w {
		case "multi":
			r.Multi = true
		case "may-succeed":
			r.MaySucceed = true
		case "rowsort":
			r.RowSort = true
		case "colnames":
			r.ColNames = true
		case "blocks":
			r.Blocks, known = true, true
		case "ok":
			known = true
			if i+1 < len(words) {
				n, err := strconv.ParseInt(words[i+1], 10, 64)
				r.Want.Rows = n
				return err
			}
		case "error":
			var err error
			r.Want.Err, err = parseError(words[i+1:], rest)
			return err
		default:
			if r.Want.Types == nil {
				return fmt.Errorf("unknown word %q", w)
			}
			known = true
			if w != "-" { // no columns
				r.Want.Types = strings.Split(w, ",")
			}
		}
	}
	r.Want.Unknown = !known
	return nil
}

func parseError(words []string, rest string) (*Error, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("error without SQLSTATE")
	}
	code, at, ok := strings.Cut(words[0], "@")
	e := &Error{Code: code}
	if ok {
		var err error
		if e.At, err = strconv.Atoi(at); err != nil {
			return nil, err
		}
	}
	_, message, _ := strings.Cut(rest, words[0])
	e.Message = strings.TrimSpace(message)
	return e, nil
}

func (r *Record) body(lines []string) error {
	sql, below := lines, []string(nil)
	for i, line := range lines {
		if line == separator {
			sql, below = lines[:i], lines[i+1:]
			break
		}
	}
	r.SQL = strings.Join(sql, "\n")
	if r.Kind == Copy || r.Kind == WriteFile {
		r.Input = below
	} else {
		r.Want.Lines = below
	}
	if (r.SQL == "") != (r.Kind == Finish || r.Kind == WriteFile) {
		return fmt.Errorf("SQL is missing, or too much")
	}
	return nil
}

// String returns the file's text.
func (f *File) String() string {
	var b strings.Builder
	for i, r := range f.Records {
		if i > 0 {
			b.WriteByte('\n')
		}
		r.print(&b)
	}
	return b.String()
}

func (r *Record) print(b *strings.Builder) {
	for _, h := range r.Head {
		b.WriteString(h + "\n")
	}
	if r.Kind == Comment {
		return
	}
	b.WriteString(r.title() + "\n")
	if r.SQL != "" {
		b.WriteString(r.SQL + "\n")
	}
	below := r.Want.Lines
	switch {
	case r.Kind == Copy || r.Kind == WriteFile:
		below = r.Input
	case r.Want.Err != nil || r.Want.Types == nil || r.Want.Unknown:
		return
	}
	b.WriteString(separator + "\n")
	for _, line := range below {
		b.WriteString(line + "\n")
	}
}

// title returns the directive's line.
func (r *Record) title() string {
	w := []string{[...]string{"statement", "query", "copy", "finish", "file"}[r.Kind]}
	if r.Kind == WriteFile {
		return "file " + r.Name
	}
	if r.Kind == Query && r.Want.Err != nil {
		w[0] = "statement"
	}
	for _, o := range []struct {
		on   bool
		word string
	}{{r.Multi, "multi"}, {r.MaySucceed, "may-succeed"}, {r.Blocks, "blocks"}} {
		if o.on {
			w = append(w, o.word)
		}
	}
	switch {
	case r.Want.Err != nil:
		return strings.Join(append(w, "error", r.Want.Err.String()), " ")
	case r.Want.Types != nil:
		if r.Kind == Finish {
			w = append(w, "query")
		}
		w = append(w, typeList(r.Want.Types))
		if r.RowSort {
			w = append(w, "rowsort")
		}
		if r.ColNames {
			w = append(w, "colnames")
		}
	case !r.Blocks:
		w = append(w, "ok")
		if r.Want.Rows >= 0 {
			w = append(w, strconv.FormatInt(r.Want.Rows, 10))
		}
	}
	return strings.Join(w, " ")
}

func typeList(types []string) string {
	if len(types) == 0 {
		return "-"
	}
	return strings.Join(types, ",")
}
