package query

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/opt"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// settingKind is the type of a setting's value.
type settingKind uint8

const (
	settingString settingKind = iota
	settingBool
	settingInt
	settingEnum
	settingDuration // integer milliseconds, or a number with a unit
	settingBytes    // integer kilobytes, or a number with a unit
	settingReal
)

// setting describes a run-time setting. Values are kept as PostgreSQL's SHOW prints them.
type setting struct {
	name     string
	kind     settingKind
	value    string // built-in default
	values   []string
	min, max int64
	// fixed: cannot be changed (55P02).
	fixed bool
	// inert settings are accepted for clients that set them and have no effect here, because Lamina
	// already behaves as the only accepted values say.
	help string
}

// settings are all run-time settings, by name.
var settings = func() map[string]*setting {
	m := map[string]*setting{}
	for i := range settingTable {
		m[settingTable[i].name] = &settingTable[i]
	}
	return m
}()

// Values of debug_shared_plans.
const (
	sharedPlansAuto   = "auto"
	sharedPlansAlways = "always"
	sharedPlansOff    = "off"
)

const maxInt32 = 1<<31 - 1

var settingTable = []setting{
	{name: "application_name", help: "name of the client program, for display"},
	{name: "bytea_output", kind: settingEnum, value: "hex", values: []string{"escape", "hex"}, help: "output format of bytea"},
	{name: "client_encoding", kind: settingEnum, value: "UTF8", values: []string{"UTF8"}, help: "encoding of texts from and to clients"},
	{name: "client_min_messages", kind: settingEnum, value: "notice",
		values: []string{"debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "notice", "warning", "error"}, help: "lowest level of messages sent to the client"},
	{name: "DateStyle", value: "ISO, MDY", help: "output format of dates (ISO, Postgres, SQL, German) and order of their fields (MDY, DMY, YMD)"},
	{name: "debug_aggregate", kind: settingEnum, value: "auto", values: []string{"auto", "hash", "dense"}, help: "how groups are found"},
	{name: "debug_bitmaps", kind: settingBool, value: "on", help: "whether scans find rows by bitmaps of values and indexes of keys"},
	{name: "debug_disabled_rules", help: "rules of the optimizer that must not fire, separated by commas; all: every rule"},
	{name: "debug_equal_parts", kind: settingEnum, value: "auto", values: []string{"auto", "always"}, help: "whether equal parts of a statement run once even if that costs more"},
	{name: "debug_join", kind: settingEnum, value: "auto", values: []string{"auto", "hash", "dense", "rank"}, help: "how the rows of a join are found"},
	{name: "debug_join_filters", kind: settingBool, value: "on", help: "whether joins filter the scans below them at run time"},
	{name: "debug_late_columns", kind: settingEnum, value: "auto", values: []string{"auto", "off", "always"}, help: "whether columns are fetched by the positions of rows where few are left"},
	{name: "debug_plan_cache", kind: settingBool, value: "on", help: "whether plans are used again for the same text"},
	{name: "debug_results_ahead", kind: settingEnum, value: "auto", values: []string{"auto", "off", "always"}, help: "whether several workers make results as Arrow before they are read"},
	{name: "debug_row_evaluator", kind: settingBool, value: "off", help: "evaluate expressions row by row instead of by vectors"},
	{name: "debug_run_aggregation", kind: settingBool, value: "on", help: "whether rows that come in order of their group are aggregated in runs"},
	{name: "debug_shared_plans", kind: settingEnum, value: sharedPlansAuto, values: []string{sharedPlansAuto, sharedPlansAlways, sharedPlansOff},
		help: "whether texts that differ in literals only share a plan; auto: from the second one on"},
	{name: "debug_short_statements", kind: settingBool, value: "on", help: "whether statements of at most one row run without pipelines"},
	{name: "debug_spill", kind: settingBool, value: "off", help: "let the state of operators leave memory now and then, as if that were short"},
	{name: "debug_vector_forms", kind: settingBool, value: "off", help: "re-encode every operator's output into another vector form"},
	{name: "debug_vector_rows", kind: settingInt, value: "2048", min: 1, max: 2048, help: "rows of a vector"},
	{name: "debug_zone_maps", kind: settingBool, value: "on", help: "whether scans leave parts of a table out by bounds of their values"},
	{name: "deadlock_timeout", kind: settingDuration, value: "1s", min: 1, max: maxInt32, help: "accepted; deadlocks are looked for as soon as a wait begins"},
	{name: "default_table_access_method", kind: settingString, value: "columnar", help: "access method of tables that name none"},
	{name: "default_transaction_isolation", kind: settingEnum, value: "read committed",
		values: []string{"read uncommitted", "read committed", "repeatable read", "serializable"}, help: "isolation level of new transactions"},
	{name: "default_transaction_read_only", kind: settingBool, value: "off", help: "whether new transactions are read-only"},
	{name: "default_transaction_deferrable", kind: settingBool, value: "off", help: "accepted; no snapshot needs to be waited for"},
	{name: "extra_float_digits", kind: settingInt, value: "1", min: -15, max: 3, help: "digits of floats beyond 15 or 6; above 0: the shortest that read back"},
	{name: "idle_in_transaction_session_timeout", kind: settingDuration, value: "0", max: maxInt32, help: "longest idle time inside a transaction; 0: none"},
	{name: "integer_datetimes", kind: settingBool, value: "on", fixed: true, help: "timestamps are integers"},
	{name: "IntervalStyle", kind: settingEnum, value: "postgres",
		values: []string{"postgres", "postgres_verbose", "sql_standard", "iso_8601"}, help: "output format of intervals"},
	{name: "lock_timeout", kind: settingDuration, value: "0", max: maxInt32, help: "longest wait for a lock; 0: no limit"},
	{name: "max_parallel_workers", kind: settingInt, value: "0", max: 1024, help: "workers of a query, one for each 4 MB of its memory at most; 0: the database's"},
	{name: "query_memory", kind: settingBytes, value: "0", max: maxInt32, help: "memory of one query; 0: the database's limit"},
	{name: "row_security", kind: settingBool, value: "on", help: "accepted; there are no row policies"},
	{name: "search_path", kind: settingString, value: `"$user", public`, help: "schemas that unqualified names are looked up in"},
	{name: "server_encoding", value: "UTF8", fixed: true, help: "encoding of stored texts"},
	{name: "server_version", value: "18.0", fixed: true, help: "version of the PostgreSQL dialect that is spoken"},
	{name: "server_version_num", value: "180000", fixed: true, help: "server_version as a number"},
	{name: "standard_conforming_strings", kind: settingEnum, value: "on", values: []string{"on"}, help: "backslashes in plain strings are ordinary"},
	{name: "statement_timeout", kind: settingDuration, value: "0", max: maxInt32, help: "longest time of a statement; 0: no limit"},
	{name: "synchronous_commit", kind: settingEnum, value: "on", values: []string{"off", "local", "remote_write", "remote_apply", "on"}, help: "whether commits wait for the log to be synced"},
	{name: "temp_file_limit", kind: settingBytes, value: "-1", min: -1, max: maxInt32, help: "what one query may write to temporary files; -1: no limit"},
	{name: "TimeZone", value: "UTC", help: "time zone of timestamptz texts"},
	{name: "transaction_isolation", kind: settingEnum, value: "read committed",
		values: []string{"read uncommitted", "read committed", "repeatable read", "serializable"}, help: "isolation level of the current transaction"},
	{name: "transaction_deferrable", kind: settingBool, value: "off", help: "whether the current transaction is deferrable"},
	{name: "transaction_read_only", kind: settingBool, value: "off", help: "whether the current transaction is read-only"},
	{name: "max_identifier_length", kind: settingInt, value: "63", fixed: true, help: "longest name in bytes"},
	{name: "is_superuser", kind: settingBool, value: "on", fixed: true, help: "there is one user, who may do everything"},
	{name: "session_authorization", value: "lamina", fixed: true, help: "the session's user"},
}

var settingAliases = map[string]string{
	"datestyle": "DateStyle", "intervalstyle": "IntervalStyle", "timezone": "TimeZone", "time zone": "TimeZone",
	"names": "client_encoding",
}

// findSetting looks a setting up by name, in any case. Names with a dot are custom settings.
func findSetting(name string) (*setting, error) {
	key := strings.ToLower(name)
	if a, ok := settingAliases[key]; ok {
		key = a
	}
	if s := settings[key]; s != nil {
		return s, nil
	}
	if strings.Contains(key, ".") {
		return &setting{name: key}, nil
	}
	return nil, sqlerr.Newf(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", name)
}

// CheckSettings checks names and values of run-time settings and reports every invalid one.
func CheckSettings(values map[string]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		s, err := findSetting(name)
		if err == nil {
			_, err = s.check(values[name])
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check validates a value and returns it as SHOW prints it.
func (s *setting) check(value string) (string, error) {
	if s.fixed {
		return "", sqlerr.Newf(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed", s.name)
	}
	bad := func() error {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value)
	}
	switch s.kind {
	case settingBool:
		b, ok := parseBool(value)
		if !ok {
			return "", sqlerr.Newf(sqlerr.InvalidParameterValue, "parameter %q requires a Boolean value", s.name)
		}
		if b {
			return "on", nil
		}
		return "off", nil
	case settingEnum:
		return s.checkEnum(value)
	case settingInt:
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return "", bad()
		}
		if n < s.min || n > s.max {
			return "", sqlerr.Newf(sqlerr.InvalidParameterValue,
				"%d is outside the valid range for parameter %q (%d .. %d)", n, s.name, s.min, s.max)
		}
		return strconv.FormatInt(n, 10), nil
	case settingDuration:
		return s.checkUnits(value, durationUnits)
	case settingBytes:
		return s.checkUnits(value, byteUnits)
	}
	return s.checkString(value)
}

// checkIn is check for a value that may complete the one in force.
func (s *setting) checkIn(v *settingValues, value string) (string, error) {
	if s.name == "DateStyle" {
		return checkDateStyle(value, v.get(s))
	}
	return s.check(value)
}

func (s *setting) checkEnum(value string) (string, error) {
	v := strings.ToLower(strings.TrimSpace(value))
	if s.name == "client_encoding" {
		v = strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(v))
		if v == "UNICODE" {
			v = "UTF8"
		}
	}
	if b, ok := parseBool(v); ok && slices.Contains(s.values, "on") {
		v = map[bool]string{true: "on", false: "off"}[b]
	}
	if slices.Contains(s.values, v) {
		return v, nil
	}
	return "", sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value).
		WithHint("Available values: %s.", strings.Join(s.values, ", "))
}

func (s *setting) checkString(value string) (string, error) {
	switch s.name {
	case "DateStyle":
		return checkDateStyle(value, s.value)
	case "TimeZone":
		loc, err := loadLocation(value)
		if err != nil {
			return "", sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value)
		}
		if loc == time.UTC {
			return strings.ToUpper(value), nil // UTC or GMT
		}
		return loc.String(), nil
	case "default_table_access_method":
		if !slices.Contains([]string{"memory", "columnar", "lsm"}, value) {
			return "", sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value).
				WithDetail("Table access method %q does not exist.", value)
		}
	case "debug_disabled_rules":
		for name := range disabledRules(value) {
			if !slices.Contains(opt.RuleNames(), name) {
				return "", sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value).
					WithDetail("There is no rule %q.", name)
			}
		}
	}
	return value, nil
}

func parseBool(v string) (value, ok bool) {
	v = strings.ToLower(strings.TrimSpace(v))
	if v == "" || v == "o" {
		return false, false
	}
	for _, w := range []string{"true", "yes", "on"} {
		if strings.HasPrefix(w, v) {
			return true, true
		}
	}
	for _, w := range []string{"false", "no", "off"} {
		if strings.HasPrefix(w, v) {
			return false, true
		}
	}
	return v == "1", v == "1" || v == "0"
}

type unit struct {
	name  string
	scale float64
}

var durationUnits = []unit{{"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}}
var byteUnits = []unit{{"B", 1.0 / 1024}, {"kB", 1}, {"MB", 1 << 10}, {"GB", 1 << 20}, {"TB", 1 << 30}}

// checkUnits parses a number with an optional unit and prints it in the largest unit that is exact.
func (s *setting) checkUnits(value string, units []unit) (string, error) {
	n, err := s.number(value, units)
	if err != nil {
		return "", err
	}
	if n <= 0 { // what is below has a meaning of its own, and no unit
		return strconv.FormatInt(n, 10), nil
	}
	for _, u := range slices.Backward(units) {
		if k := int64(u.scale); u.scale >= 1 && n%k == 0 {
			return strconv.FormatInt(n/k, 10) + u.name, nil
		}
	}
	return strconv.FormatInt(n, 10), nil
}

// unitOne names the unit that a number without one is in.
func unitOne(units []unit) string {
	return units[slices.IndexFunc(units, func(u unit) bool { return u.scale == 1 })].name
}

func (s *setting) number(value string, units []unit) (int64, error) {
	bad := sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", s.name, value)
	v := strings.TrimSpace(value)
	digits := strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	scale := 1.0
	if u := v[len(digits):]; u != "" {
		i := slices.IndexFunc(units, func(x unit) bool { return x.name == u })
		if i < 0 {
			return 0, bad
		}
		scale = units[i].scale
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil {
		return 0, bad
	}
	f *= scale
	if f < float64(s.min) || f > float64(s.max) {
		return 0, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"%g %s is outside the valid range for parameter %q (%d %[2]s .. %[5]d %[2]s)", f, unitOne(units), s.name, s.min, s.max)
	}
	return int64(math.Round(f)), nil
}

// settingValues are a session's settings: the built-in defaults, the database's persisted defaults, what the
// session set, and what the current transaction set locally.
type settingValues struct {
	start   map[string]string // persisted and connection defaults
	session map[string]string
	local   map[string]string
	// undo holds, inside a transaction, the session values from before it.
	undo map[string]string
	inTx bool
	// changes counts the times that a value may have changed.
	changes uint64
	memo    hotSettings
}

// hotSettings are the values that every statement looks at.
type hotSettings struct {
	made    bool
	changes uint64 // settingValues.changes that they are made of

	statementTimeout, lockTimeout time.Duration
	queryBytes, tempBytes         int64
	workers, vectorRows           int
	vectorForms, async, readOnly  bool
	deferrable                    bool
	isolation                     table.Isolation
	searchPath, disabledRules     string
	zone, sharedPlans, late       string
	rowByRow, noShort, noCache    bool
	shareAlways                   bool
	force                         exec.Force
}

// hot returns the values that every statement looks at.
func (v *settingValues) hot() *hotSettings {
	if h := &v.memo; !h.made || h.changes != v.changes {
		*h = hotSettings{
			made: true, changes: v.changes,
			statementTimeout: v.duration("statement_timeout"), lockTimeout: v.duration("lock_timeout"),
			queryBytes: v.bytes("query_memory"), tempBytes: v.bytes("temp_file_limit"), workers: int(v.int("max_parallel_workers")),
			vectorRows: int(v.int("debug_vector_rows")), vectorForms: v.bool("debug_vector_forms"),
			async: v.get(settings["synchronous_commit"]) == "off", readOnly: v.bool("default_transaction_read_only"),
			deferrable: v.bool("default_transaction_deferrable"), isolation: v.isolation("default_transaction_isolation"), searchPath: v.get(settings["search_path"]),
			zone: v.get(settings["TimeZone"]), sharedPlans: v.get(settings["debug_shared_plans"]),
			shareAlways:   v.get(settings["debug_equal_parts"]) == "always",
			disabledRules: v.get(settings["debug_disabled_rules"]), late: v.get(settings["debug_late_columns"]), rowByRow: v.bool("debug_row_evaluator"), force: v.force(),
			noShort: v.off("debug_short_statements"), noCache: v.off("debug_plan_cache"),
		}
	}
	return &v.memo
}

// force returns the strategies that the debug settings demand.
func (v *settingValues) force() exec.Force {
	strategy := func(name string) string {
		if x := v.get(settings[name]); x != "auto" {
			return x
		}
		return ""
	}
	return exec.Force{
		Join: strategy("debug_join"), Aggregate: strategy("debug_aggregate"),
		NoFilters: !v.bool("debug_join_filters"), NoRuns: !v.bool("debug_run_aggregation"),
		Ahead: strategy("debug_results_ahead"), Spill: v.bool("debug_spill"),
		Avoid: table.Avoid{Bounds: v.off("debug_zone_maps"), Indexes: v.off("debug_bitmaps")},
	}
}

func newSettingValues() settingValues {
	return settingValues{start: map[string]string{}, session: map[string]string{}, local: map[string]string{}}
}

// get returns the value in force.
func (v *settingValues) get(s *setting) string {
	for _, m := range []map[string]string{v.local, v.session, v.start} {
		if x, ok := m[s.name]; ok {
			return x
		}
	}
	return s.value
}

func (v *settingValues) lookup(name string) (string, bool) {
	s, err := findSetting(name)
	if err != nil {
		return "", false
	}
	if strings.Contains(s.name, ".") {
		x := v.get(s)
		return x, x != ""
	}
	return v.get(s), true
}

// set changes a setting for the session, or for the transaction if local.
func (v *settingValues) set(s *setting, value string, local bool) error {
	x, err := s.checkIn(v, value)
	if err != nil {
		return err
	}
	v.changes++
	if local {
		v.local[s.name] = x
		return nil
	}
	v.saveUndo()
	delete(v.local, s.name)
	v.session[s.name] = x
	return nil
}

// reset returns a setting to its default.
func (v *settingValues) reset(s *setting) error {
	if s.fixed {
		return sqlerr.Newf(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed", s.name)
	}
	v.saveUndo()
	v.changes++
	delete(v.local, s.name)
	delete(v.session, s.name)
	return nil
}

func (v *settingValues) resetAll() {
	v.saveUndo()
	v.changes++
	clear(v.local)
	clear(v.session)
}

func (v *settingValues) saveUndo() {
	if v.inTx && v.undo == nil {
		v.undo = maps.Clone(v.session)
	}
}

// begin and end bracket a transaction: SET inside one that rolls back is undone, SET LOCAL ends with it.
func (v *settingValues) begin() { v.inTx, v.undo = true, nil }

func (v *settingValues) end(committed bool) {
	if !committed && v.undo != nil {
		v.session = v.undo
		v.changes++
	}
	if len(v.local) > 0 {
		v.changes++
	}
	v.undo, v.inTx = nil, false
	clear(v.local)
}

// restore returns to the values of a savepoint.
func (v *settingValues) restore(session, local map[string]string) {
	if maps.Equal(v.session, session) && maps.Equal(v.local, local) {
		return
	}
	v.saveUndo()
	v.session, v.local = maps.Clone(session), maps.Clone(local)
	v.changes++
}

func (v *settingValues) bool(name string) bool { return v.get(settings[name]) == "on" }

// off reports whether a debug setting forbids a strategy.
func (v *settingValues) off(name string) bool {
	return !v.bool(name) && !invariants.Mutant("settings-keep-"+name)
}

func (v *settingValues) int(name string) int64 {
	n, _ := strconv.ParseInt(v.get(settings[name]), 10, 64) // validated when it was set
	return n
}

func (v *settingValues) duration(name string) time.Duration {
	s := settings[name]
	ms, _ := s.number(v.get(s), durationUnits)
	return time.Duration(ms) * time.Millisecond
}

func (v *settingValues) bytes(name string) int64 {
	s := settings[name]
	kb, _ := s.number(v.get(s), byteUnits)
	return kb << 10
}

func (v *settingValues) isolation(name string) table.Isolation {
	return isolationOf(v.get(settings[name]))
}

func isolationOf(name string) table.Isolation {
	switch name {
	case "repeatable read":
		return table.RepeatableRead
	case "serializable":
		return table.Serializable
	}
	return table.ReadCommitted
}
