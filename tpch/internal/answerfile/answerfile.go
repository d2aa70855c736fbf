// Package answerfile reads and writes the files that hold the answers of all queries at one scale
// factor. A file is gzip-compressed text: for each query in ascending order a line "query N rows
// R", then a line of column names and R rows as PostgreSQL's COPY writes them: columns separated by
// tabs, NULL as \N, and control characters and backslashes escaped.
package answerfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

// A Section is the answer of one query in the text form of COPY.
type Section struct {
	Query int
	// Header has the column names.
	Header string
	Rows   []string
}

// Append adds the output of COPY with a header to the sections.
func Append(sections []Section, query int, copied []byte) ([]Section, error) {
	lines := strings.Split(strings.TrimSuffix(string(copied), "\n"), "\n")
	if lines[0] == "" {
		return nil, fmt.Errorf("query %d: no header", query)
	}
	return append(sections, Section{Query: query, Header: lines[0], Rows: lines[1:]}), nil
}

// Encode returns the file.
func Encode(sections []Section) ([]byte, error) {
	var file bytes.Buffer
	z, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if _, err := fmt.Fprintf(z, "query %d rows %d\n%s\n", s.Query, len(s.Rows), s.Header); err != nil {
			return nil, err
		}
		for _, row := range s.Rows {
			if _, err := io.WriteString(z, row+"\n"); err != nil {
				return nil, err
			}
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// rowsMax is far above the rows of any answer.
const rowsMax = 1 << 24

// Decode reads a file.
func Decode(file io.Reader) ([]Section, error) {
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(z)
	var sections []Section
	for lines.Scan() {
		var s Section
		var rows int
		if _, err := fmt.Sscanf(lines.Text(), "query %d rows %d", &s.Query, &rows); err != nil {
			return nil, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		if rows < 0 || rows > rowsMax || !lines.Scan() {
			return nil, fmt.Errorf("query %d: %d rows, header missing or too many", s.Query, rows)
		}
		s.Header = lines.Text()
		for len(s.Rows) < rows && lines.Scan() {
			s.Rows = append(s.Rows, lines.Text())
		}
		if len(s.Rows) < rows {
			return nil, fmt.Errorf("query %d: %d of %d rows", s.Query, len(s.Rows), rows)
		}
		sections = append(sections, s)
	}
	return sections, lines.Err()
}

// Fields splits a line into its values. A NULL is reported by null.
func Fields(line string) (values []string, null []bool, err error) {
	for field := range strings.SplitSeq(line, "\t") {
		if field == `\N` {
			values, null = append(values, ""), append(null, true)
			continue
		}
		value, err := unescape(field)
		if err != nil {
			return nil, nil, err
		}
		values, null = append(values, value), append(null, false)
	}
	return values, null, nil
}

// escapes are those that COPY writes.
var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

func unescape(field string) (string, error) {
	if !strings.Contains(field, `\`) {
		return field, nil
	}
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			b.WriteByte(field[i])
			continue
		}
		i++
		if i == len(field) {
			return "", fmt.Errorf("value %q: ends with a backslash", field)
		}
		c, ok := escapes[field[i]]
		if !ok {
			return "", fmt.Errorf("value %q: unknown escape \\%c", field, field[i])
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}
