package table

import (
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
)

// Lists of columns in storage parameters are SQL identifiers with commas between them: a, "B c". Names that are not
// quoted are folded to lower case.

// optionColumns reads a list of columns. With sort, each may be followed by ASC.
func (d *TableDef) optionColumns(option, value string, sort bool) ([]int, error) {
	var cols []int
	for rest := value; ; {
		name, after, ok := cutIdentifier(rest)
		word := ""
		if ok {
			word, rest, ok = cutWords(after)
		}
		switch {
		case !ok || word != "" && !sort:
			return nil, badColumns(option, value)
		case word == "asc" || word == "":
		case strings.HasPrefix(word, "desc") || strings.Contains(word, "nulls"):
			return nil, sqlerr.Unsupported(strings.ToUpper(word) + " in sort_key")
		default:
			return nil, badColumns(option, value)
		}
		i := d.ColumnIndex(name)
		if i < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "column \"%s\" named in parameter \"%s\" does not exist", name, option)
		}
		if slices.Contains(cols, i) {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "column \"%s\" appears twice in parameter \"%s\"", name, option)
		}
		if cols = append(cols, i); sort && len(cols) > sortKeyColumnsMax {
			return nil, sqlerr.Newf(sqlerr.TooManyColumns, "cannot use more than %d columns in a sort key", sortKeyColumnsMax)
		}
		if rest == "" {
			return cols, nil
		}
		rest = rest[1:] // the comma
	}
}

func badColumns(option, value string) error {
	err := sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for option \"%s\": %s", option, value)
	if option == OptionBitmap {
		return err.WithDetail("Valid values are \"auto\", \"on\", \"off\", and a list of columns.")
	}
	return err.WithDetail("Valid values are lists of columns.")
}

const optionSpace = " \t\n\r\f\v"

// cutIdentifier cuts an SQL identifier from the front of s.
func cutIdentifier(s string) (name, rest string, ok bool) {
	s = strings.TrimLeft(s, optionSpace)
	if strings.HasPrefix(s, `"`) {
		var sb strings.Builder
		for i := 1; i < len(s); i++ {
			if s[i] != '"' {
				sb.WriteByte(s[i])
			} else if i++; i < len(s) && s[i] == '"' {
				sb.WriteByte('"')
			} else {
				return sb.String(), s[i:], sb.Len() > 0
			}
		}
		return "", "", false
	}
	n := 0
	for n < len(s) && identifierByte(s[n], n == 0) {
		n++
	}
	return lowerASCII(s[:n]), s[n:], n > 0
}

func identifierByte(c byte, first bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80 || !first && (c >= '0' && c <= '9' || c == '$')
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// cutWords cuts the words up to a comma, or to the end, in lower case with single spaces; rest begins with the comma.
func cutWords(s string) (words, rest string, ok bool) {
	text := s
	if i := strings.IndexByte(s, ','); i >= 0 {
		text, rest = s[:i], s[i:]
	}
	for _, w := range strings.Fields(text) {
		for i := range len(w) {
			if !identifierByte(w[i], i == 0) {
				return "", "", false
			}
		}
	}
	return lowerASCII(strings.Join(strings.Fields(text), " ")), rest, true
}

// columnList writes a list of columns so that it can be read again.
func (d *TableDef) columnList(option string, cols []int) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = d.Columns[c].Name
		plain := true
		for j := range len(names[i]) {
			b := names[i][j]
			plain = plain && identifierByte(b, j == 0) && (b < 'A' || b > 'Z')
		}
		if option == OptionBitmap && slices.Contains([]string{"auto", "on", "true", "off", "false"}, names[i]) || !plain {
			names[i] = `"` + strings.ReplaceAll(names[i], `"`, `""`) + `"`
		}
	}
	return strings.Join(names, ", ")
}

// FollowColumns brings the storage parameters that name columns in line with columns that have other names, or are gone:
// was is the definition before, whose columns are known again by their IDs. A key loses the columns that are gone.
func (d *TableDef) FollowColumns(was *TableDef) {
	for _, option := range []string{OptionSortKey, OptionBitmap} {
		value, ok := d.Options[option]
		if !ok || value != was.Options[option] {
			continue
		}
		cols, err := was.optionColumns(option, value, option == OptionSortKey)
		if err != nil {
			continue // no list
		}
		var now []int
		for _, c := range cols {
			id := was.Columns[c].ID
			if i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.ID == id }); i >= 0 {
				now = append(now, i)
			}
		}
		if d.Options[option] = d.columnList(option, now); len(now) == 0 {
			delete(d.Options, option)
			if option == OptionBitmap {
				d.Options[option] = "off" // as it was for all that are left
			}
		}
	}
}

// NormalizeStorage writes the storage parameters, which were checked, in the one form that is kept.
func (d *TableDef) NormalizeStorage() {
	for option, value := range d.Options {
		switch low := strings.ToLower(strings.TrimSpace(value)); {
		case option == OptionCompression:
			d.Options[option] = low
		case option == OptionBitmap && (low == "auto" || low == "on" || low == "off"):
			d.Options[option] = low
		case option == OptionBitmap && low == "true":
			d.Options[option] = "on"
		case option == OptionBitmap && low == "false":
			d.Options[option] = "off"
		case option == OptionSortKey || option == OptionBitmap:
			if cols, err := d.optionColumns(option, value, option == OptionSortKey); err == nil {
				d.Options[option] = d.columnList(option, cols)
			}
		default:
			if n, err := strconv.Atoi(value); err == nil {
				d.Options[option] = strconv.Itoa(n)
			}
		}
	}
	if len(d.Options) == 0 {
		d.Options = nil
	}
}
