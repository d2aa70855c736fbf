package query

import (
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

// explain are the options of EXPLAIN.
type explain struct{ analyze, verbose, costs, timing, summary, rules, json bool }

// explainUnsupported are options of PostgreSQL that ask for what is not counted here. Off, they change nothing.
var explainUnsupported = map[string]bool{"buffers": true, "generic_plan": true, "memory": true, "settings": true, "wal": true}

// explainOptions reads the options; what is given last counts. Without ANALYZE there are no times of operators.
func explainOptions(b *ast.Explain) (explain, error) {
	o := explain{costs: true}
	timing, summary := (*bool)(nil), (*bool)(nil)
	for _, opt := range b.Options {
		if opt.Name == "format" {
			if err := o.setFormat(opt); err != nil {
				return o, err
			}
			continue
		}
		on, known := explainSwitch(opt)
		switch {
		case opt.Name == "serialize":
			if strings.EqualFold(opt.Value, "none") {
				continue
			}
			return o, sqlerr.Unsupported("EXPLAIN (SERIALIZE)").At(opt.Pos())
		case opt.Name == "analyze":
			o.analyze = on
		case opt.Name == "verbose":
			o.verbose = on
		case opt.Name == "costs":
			o.costs = on
		case opt.Name == "rules":
			o.rules = on
		case opt.Name == "timing":
			timing = &on
		case opt.Name == "summary":
			summary = &on
		case !explainUnsupported[opt.Name]:
			return o, sqlerr.Newf(sqlerr.SyntaxError, "unrecognized EXPLAIN option %q", opt.Name).At(opt.Pos())
		case known && on:
			return o, sqlerr.Unsupported("EXPLAIN (" + strings.ToUpper(opt.Name) + ")").At(opt.Pos())
		}
		if !known {
			return o, sqlerr.Newf(sqlerr.SyntaxError, "%s requires a Boolean value", opt.Name)
		}
	}
	o.timing, o.summary = o.analyze, o.analyze
	if timing != nil {
		o.timing = *timing
	}
	if summary != nil {
		o.summary = *summary
	}
	if o.rules && o.json {
		return o, sqlerr.Unsupported("EXPLAIN (RULES, FORMAT JSON)")
	}
	if o.timing && !o.analyze {
		return o, sqlerr.New(sqlerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	return o, nil
}

// explainSwitch returns the value of an option that is on or off; on if none is given.
func explainSwitch(opt ast.Option) (on, known bool) {
	if !opt.HasValue {
		return true, true
	}
	switch strings.ToLower(opt.Value) {
	case "on", "true", "1":
		return true, true
	case "off", "false", "0":
		return false, true
	}
	return false, false
}

func (o *explain) setFormat(opt ast.Option) error {
	switch format := strings.ToLower(opt.Value); {
	case !opt.HasValue:
		return sqlerr.New(sqlerr.SyntaxError, "format requires a parameter")
	case format == "text":
		o.json = false
	case format == "json":
		o.json = true
	case format == "xml" || format == "yaml":
		return sqlerr.Unsupported("EXPLAIN (FORMAT " + strings.ToUpper(opt.Value) + ")").At(opt.Pos())
	default:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "unrecognized value for EXPLAIN option \"format\": %q", opt.Value).At(opt.Pos())
	}
	return nil
}
