package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// sessionFunctions are the functions that ask the session.
var sessionFunctions = []entry{
	{"version() text", 89, stable, sessionValue("version", types.Text), kernelNone},
	{"current_database() name", 861, stable, sessionValue("current_database", types.Name), kernelNone},
	{"current_catalog() name", 861, stable, sessionValue("current_database", types.Name), kernelNone},
	{"current_schema() name", 1402, stable, sessionValue("current_schema", types.Name), kernelNone},
	{"current_user() name", 745, stable, sessionValue("current_user", types.Name), kernelNone},
	{"session_user() name", 746, stable, sessionValue("session_user", types.Name), kernelNone},
	{"user() name", 745, stable, sessionValue("current_user", types.Name), kernelNone},
	{"current_role() name", 745, stable, sessionValue("current_user", types.Name), kernelNone},
	{"pg_backend_pid() int4", 2026, stable, sessionValue("pg_backend_pid", types.Int4), kernelNone},
	{"pg_isolation_test_session_is_blocked(int4,text) bool", 3378, volatile, sessionBlocked, kernelNone},
	{"txid_current() int8", 2943, stable, sessionValue("txid_current", types.Int8), kernelNone},
	{"pg_client_encoding() name", 810, stable | safe, utf8Name, kernelNone},
	{"pg_is_in_recovery() bool", 3810, volatile | safe, falseValue, kernelNone},
	{"current_setting(text) text", 2077, stable, currentSetting, kernelNone},
	{"current_setting(text,bool) text", 3294, stable, currentSetting, kernelNone},
	{"set_config(text,text,bool) text", 2078, volatile | nullable, setConfig, kernelNone},
	{"pg_typeof(any) regtype", 1619, stable | nullable | safe, typeOf, kernelNone},
	{"now() timestamptz", 1299, stable | safe, clock(transactionTime, types.TimestampTZ), kernelNone},
	{"transaction_timestamp() timestamptz", 2647, stable | safe, clock(transactionTime, types.TimestampTZ), kernelNone},
	{"current_timestamp() timestamptz", 1299, stable | safe, clock(transactionTime, types.TimestampTZ), kernelNone},
	{"statement_timestamp() timestamptz", 2648, stable | safe, clock(statementTime, types.TimestampTZ), kernelNone},
	{"clock_timestamp() timestamptz", 2649, volatile | safe, clock(wallTime, types.TimestampTZ), kernelNone},
	{"current_date() date", 0, stable | safe, clock(transactionTime, types.Date), kernelNone},
	{"localtimestamp() timestamp", 0, stable | safe, clock(transactionTime, types.Timestamp), kernelNone},
	{"current_time() timetz", 0, stable | safe, currentTime, kernelNone},
	{"localtime() time", 0, stable | safe, clock(transactionTime, types.Time), kernelNone},
}

func sessionValue(name string, k types.Kind) scalar {
	return func(ctx *Context, _ []types.Datum) (types.Datum, error) {
		if ctx != nil && ctx.Session != nil {
			if d, ok := ctx.Session(name); ok {
				if d.Valid {
					d.K = k
				}
				return d, nil
			}
		}
		return types.Datum{}, sqlerr.Unsupported("function " + name)
	}
}

// sessionBlocked reads its second argument as the text of an array of integers.
func sessionBlocked(ctx *Context, args []types.Datum) (types.Datum, error) {
	if ctx == nil || ctx.Blocked == nil {
		return types.Datum{}, sqlerr.Unsupported("function pg_isolation_test_session_is_blocked")
	}
	var by []uint32
	for _, word := range strings.Split(strings.Trim(args[1].S, "{} "), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return types.Datum{}, sqlerr.Newf(sqlerr.InvalidTextRepresentation, "malformed array literal: %q", args[1].S)
		}
		by = append(by, uint32(n))
	}
	return types.NewBool(ctx.Blocked(uint32(args[0].I), by)), nil
}

func utf8Name(*Context, []types.Datum) (types.Datum, error) {
	return types.NewString(types.Name, "UTF8"), nil
}

func falseValue(*Context, []types.Datum) (types.Datum, error) { return types.NewBool(false), nil }

func currentSetting(ctx *Context, args []types.Datum) (types.Datum, error) {
	if ctx != nil && ctx.Setting != nil {
		if v, ok := ctx.Setting(args[0].S); ok {
			return newText(v), nil
		}
	}
	if len(args) == 2 && args[1].Bool() {
		return types.NullOf(types.Text), nil
	}
	return types.Datum{}, sqlerr.Newf(sqlerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", args[0].S)
}

func setConfig(ctx *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() {
		return types.Datum{}, sqlerr.New("22004", "SET requires parameter name")
	}
	if ctx == nil || ctx.SetSetting == nil {
		return types.Datum{}, sqlerr.Unsupported("function set_config")
	}
	v, err := ctx.SetSetting(args[0].S, args[1].S, args[2].Bool())
	return newText(v), err
}

func typeOf(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Regtype, int64(args[0].K.OID())), nil
}

func transactionTime(ctx *Context) time.Time {
	if ctx == nil || ctx.Now.IsZero() {
		return time.Now()
	}
	return ctx.Now
}

func statementTime(ctx *Context) time.Time {
	if ctx == nil || ctx.StatementTime.IsZero() {
		return transactionTime(ctx)
	}
	return ctx.StatementTime
}

func wallTime(*Context) time.Time { return time.Now() }

// location returns the session's time zone.
func (ctx *Context) location() *time.Location {
	if ctx == nil || ctx.Location == nil {
		return time.UTC
	}
	return ctx.Location
}

// clock returns a point in time as a value of a kind, in the session's zone unless it is absolute.
func clock(source func(*Context) time.Time, k types.Kind) scalar {
	return func(ctx *Context, _ []types.Datum) (types.Datum, error) {
		t := source(ctx)
		micros := t.UnixMicro()
		if k == types.TimestampTZ {
			return types.NewInt(k, micros), nil
		}
		_, offset := t.In(ctx.location()).Zone()
		micros += int64(offset) * microsPerSecond
		day := floorDiv(micros, microsPerDay)
		switch k {
		case types.Date:
			return types.NewInt(k, day), nil
		case types.Time:
			return types.NewInt(k, micros-day*microsPerDay), nil
		}
		return types.NewInt(k, micros), nil
	}
}
