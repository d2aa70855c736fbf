package query

import (
	"strings"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Words of DateStyle, in lower case.
var (
	dateStyleWords = map[string]types.DateStyle{
		"iso": types.DateISO, "postgres": types.DatePostgres, "sql": types.DateSQL, "german": types.DateGerman,
	}
	dateOrderWords = map[string]types.DateOrder{
		"ymd": types.YMD, "dmy": types.DMY, "euro": types.DMY, "european": types.DMY, "mdy": types.MDY,
		"us": types.MDY, "noneuro": types.MDY, "noneuropean": types.MDY,
	}
	dateStyleNames     = [...]string{types.DateISO: "ISO", types.DatePostgres: "Postgres", types.DateSQL: "SQL", types.DateGerman: "German"}
	dateOrderNames     = [...]string{types.MDY: "MDY", types.DMY: "DMY", types.YMD: "YMD"}
	intervalStyleWords = map[string]types.IntervalStyle{
		"postgres": types.IntervalPostgres, "postgres_verbose": types.IntervalPostgresVerbose,
		"sql_standard": types.IntervalSQLStandard, "iso_8601": types.IntervalISO8601,
	}
)

// dateStyleOf reads a DateStyle value as SHOW prints it.
func dateStyleOf(value string) (types.DateStyle, types.DateOrder) {
	style, order, _ := strings.Cut(strings.ToLower(value), ", ")
	return dateStyleWords[style], dateOrderWords[order]
}

// checkDateStyle reads a list of a style, an order, or both; what is not given stays as it is in current.
func checkDateStyle(value, current string) (string, error) {
	style, order := dateStyleOf(current)
	haveStyle, haveOrder := false, false
	bad := sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", "DateStyle", value)
	conflict := func() error { return bad.WithDetail("Conflicting %q specifications.", "DateStyle") }
	for _, part := range strings.Split(value, ",") {
		word := strings.ToLower(strings.Trim(strings.TrimSpace(part), `"`))
		if s, ok := styleOfWord(word); ok {
			if haveStyle && s != style {
				return "", conflict()
			}
			style, haveStyle = s, true
			if s == types.DateGerman && !haveOrder {
				order = types.DMY
			}
			continue
		}
		o, ok := orderOfWord(word)
		switch {
		case ok && haveOrder && o != order:
			return "", conflict()
		case ok:
			order, haveOrder = o, true
		case word == "default":
			defaultStyle, defaultOrder := dateStyleOf(settings["DateStyle"].value)
			if !haveStyle {
				style = defaultStyle
			}
			if !haveOrder {
				order = defaultOrder
			}
		default:
			return "", bad.WithDetail("Unrecognized key word: %q.", word)
		}
	}
	return dateStyleNames[style] + ", " + dateOrderNames[order], nil
}

// styleOfWord knows postgres and german by any beginning of a length, as PostgreSQL does.
func styleOfWord(word string) (types.DateStyle, bool) {
	switch {
	case strings.HasPrefix(word, "postgres"):
		return types.DatePostgres, true
	case strings.HasPrefix(word, "german"):
		return types.DateGerman, true
	}
	s, ok := dateStyleWords[word]
	return s, ok
}

func orderOfWord(word string) (types.DateOrder, bool) {
	switch {
	case strings.HasPrefix(word, "euro"):
		return types.DMY, true
	case strings.HasPrefix(word, "noneuro"):
		return types.MDY, true
	}
	o, ok := dateOrderWords[word]
	return o, ok
}

// sessionFormat is how a session reads and shows values, made from its settings when they have changed.
type sessionFormat struct {
	changes uint64 // settingValues.changes that text is made of
	text    *types.TextOptions
}

// TextOptions returns how the session prints values. It is not to be changed.
func (s *Session) TextOptions() *types.TextOptions {
	if f := &s.format; f.text == nil || f.changes != s.settings.changes {
		f.text, f.changes = s.settings.textOptions(), s.settings.changes
		f.text.Reg = s.regText
	}
	return s.format.text
}

// ParseOptions returns how the session reads the text of values outside of expressions.
func (s *Session) ParseOptions() *types.ParseOptions {
	text := s.TextOptions()
	now := s.tx.start
	if now.IsZero() {
		now = s.e.o.Clock()
	}
	return &types.ParseOptions{Location: text.Location, Now: now, Order: text.DateOrder, IntervalStyle: text.IntervalStyle, Reg: s.regOf}
}

func (v *settingValues) textOptions() *types.TextOptions {
	o := &types.TextOptions{
		ByteaEscape:   v.get(settings["bytea_output"]) == "escape",
		IntervalStyle: intervalStyleWords[v.get(settings["IntervalStyle"])],
	}
	o.FloatDigitsLess = max(0, 1-int(v.int("extra_float_digits")))
	o.DateStyle, o.DateOrder = dateStyleOf(v.get(settings["DateStyle"]))
	var err error
	if o.Location, err = loadLocation(v.get(settings["TimeZone"])); err != nil {
		o.Location = time.UTC // was valid when it was set: the zone files changed since
	}
	return o
}

// loadLocation resolves a TimeZone value: a zone's name, a POSIX zone, or an offset in hours east of UTC.
func loadLocation(name string) (*time.Location, error) {
	if strings.EqualFold(name, "utc") || strings.EqualFold(name, "gmt") {
		return time.UTC, nil
	}
	return types.SessionZone(name)
}
