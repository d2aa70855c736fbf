package logictest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/laminadb/lamina/query/opt"
)

// Config is a way to run Lamina. None of it may change an answer.
type Config struct {
	// Tier is memory, columnar, lsm or segments, which is columnar with rows that move to small segments at once: where
	// tables are, unless they say it themselves.
	Tier string
	// Protocol is api, simple or extended (PostgreSQL's protocol).
	Protocol string
	// Flush is what happens between records to a database that has a directory: none, checkpoint, or also reopen.
	Flush string
	// VectorRows and Workers are those of a query.
	VectorRows, Workers int
	// Forms re-encodes the output of operators, RowByRow evaluates expressions by the row interpreter.
	Forms, RowByRow bool
	// Join and Aggregate are strategies: auto, hash, dense.
	Join, Aggregate string
	// Filters and Runs allow run-time filters and run aggregation.
	Filters, Runs bool
	// Bounds, Bitmaps, Short and Plans allow zone maps, bitmaps, statements without pipelines and cached plans.
	Bounds, Bitmaps, Short, Plans bool
	// Spill lets the state of operators leave memory.
	Spill bool
	// Late says which columns are fetched by the positions of rows: auto, always, off.
	Late string
	// SharedPlans says whether texts that differ in literals share a plan: always, off.
	SharedPlans string
	// Share lets equal parts of a statement run once, whatever that costs.
	Share bool
	// Rules is all or none of the optimizer's, or the name of the one that is off.
	Rules string
	// QueryBytes bounds the memory of a query; 0: the default.
	QueryBytes int64
}

// factor is a choice of an array: its name, its values, and how a value is set.
type factor struct {
	name   string
	values []string
	set    func(c *Config, value string)
}

// factors are what the pairwise array is made of.
var factors = []factor{
	{"rows", []string{"2048", "1", "3", "64"}, func(c *Config, v string) { c.VectorRows, _ = strconv.Atoi(v) }},
	{"protocol", []string{"api", "simple", "extended"}, func(c *Config, v string) { c.Protocol = v }},
	{"flush", []string{"reopen", "checkpoint", "none"}, func(c *Config, v string) { c.Flush = v }},
	{"join", []string{"auto", "hash", "dense", "rank"}, func(c *Config, v string) { c.Join = v }},
	{"aggregate", []string{"auto", "hash", "dense"}, func(c *Config, v string) { c.Aggregate = v }},
	{"tier", []string{"columnar", "memory", "lsm", "segments"}, func(c *Config, v string) { c.Tier = v }},
	{"workers", []string{"1", "4"}, func(c *Config, v string) { c.Workers, _ = strconv.Atoi(v) }},
	{"forms", []string{"off", "random"}, func(c *Config, v string) { c.Forms = v == "random" }},
	{"evaluator", []string{"vector", "row"}, func(c *Config, v string) { c.RowByRow = v == "row" }},
	{"filters", []string{"on", "off"}, func(c *Config, v string) { c.Filters = v == "on" }},
	{"runs", []string{"on", "off"}, func(c *Config, v string) { c.Runs = v == "on" }},
	{"bounds", []string{"on", "off"}, func(c *Config, v string) { c.Bounds = v == "on" }},
	{"bitmaps", []string{"on", "off"}, func(c *Config, v string) { c.Bitmaps = v == "on" }},
	{"short", []string{"on", "off"}, func(c *Config, v string) { c.Short = v == "on" }},
	{"plans", []string{"on", "off"}, func(c *Config, v string) { c.Plans = v == "on" }},
	{"late", []string{"auto", "always", "off"}, func(c *Config, v string) { c.Late = v }},
	{"sharedplans", []string{"always", "off"}, func(c *Config, v string) { c.SharedPlans = v }},
	{"rules", []string{"all", "none"}, func(c *Config, v string) { c.Rules = v }},
}

// Pairwise returns configurations such that every pair of values of two factors stands in one of them. The first
// has the first value of every factor: the defaults.
func Pairwise() []Config {
	var rows [][]int
	covered := map[[4]int]bool{}
	cover := func(row []int) {
		for i := range row {
			for j := range i {
				covered[[4]int{j, row[j], i, row[i]}] = true
			}
		}
		rows = append(rows, row)
	}
	cover(make([]int, len(factors)))
	for {
		row := nextRow(covered)
		if row == nil {
			break
		}
		cover(row)
	}
	configs := make([]Config, len(rows))
	for i, row := range rows {
		for k, v := range row {
			factors[k].set(&configs[i], factors[k].values[v])
		}
		configs[i].Spill, configs[i].Share = i%4 >= 2, i%2 == 1
	}
	return configs
}

// Random returns n random configurations.
func Random(seed uint64, n int) []Config {
	rnd := rand.New(rand.NewPCG(seed, 2))
	configs := make([]Config, n)
	for i := range configs {
		for _, f := range factors {
			f.set(&configs[i], f.values[rnd.IntN(len(f.values))])
		}
	}
	return configs
}

// Each returns the default configuration with each choice of a factor made alone, and with each rule of the optimizer
// off.
func Each() []Config {
	plain := func() Config {
		var c Config
		for _, f := range factors {
			f.set(&c, f.values[0])
		}
		return c
	}
	var configs []Config
	for _, f := range factors {
		for _, v := range f.values[1:] {
			c := plain()
			f.set(&c, v)
			configs = append(configs, c)
		}
	}
	share, spill := plain(), plain()
	share.Share, spill.Spill = true, true
	both := spill
	both.Share, both.Workers = true, 4
	configs = append(configs, share, spill, both)
	for _, name := range opt.RuleNames() {
		c := plain()
		c.Rules = name
		configs = append(configs, c)
	}
	return configs
}

// TinyMemory returns configurations in which queries may use little memory.
func TinyMemory() []Config {
	configs := make([]Config, 3)
	for i := range configs {
		for _, f := range factors {
			f.set(&configs[i], f.values[i%len(f.values)])
		}
		configs[i].Protocol, configs[i].Tier = "api", "memory"
		configs[i].QueryBytes = 64 << 10 << (2 * i)
	}
	return configs
}

// nextRow chooses, from each pair that is not covered, the row that covers most; nil if all are.
func nextRow(covered map[[4]int]bool) []int {
	var best []int
	most := 0
	for i := range factors {
		for j := range i {
			for vi := range factors[i].values {
				for vj := range factors[j].values {
					if covered[[4]int{j, vj, i, vi}] {
						continue
					}
					row, n := completeRow(covered, i, vi, j, vj)
					if n > most {
						best, most = row, n
					}
				}
			}
		}
	}
	return best
}

// completeRow chooses the other factors' values one by one and counts the new pairs.
func completeRow(covered map[[4]int]bool, i, vi, j, vj int) ([]int, int) {
	row := make([]int, len(factors))
	for k := range row {
		row[k] = -1
	}
	row[i], row[j] = vi, vj
	total := 1
	for k := range row {
		if row[k] >= 0 {
			continue
		}
		best := -1
		for v := range factors[k].values {
			n := 0
			for o, vo := range row {
				if vo < 0 || o == k {
					continue
				}
				pair := [4]int{o, vo, k, v}
				if o > k {
					pair = [4]int{k, v, o, vo}
				}
				if !covered[pair] {
					n++
				}
			}
			if n > best {
				best, row[k] = n, v
			}
		}
	}
	for k := range row {
		for o := range k {
			if !covered[[4]int{o, row[o], k, row[k]}] {
				total++
			}
		}
	}
	return row, total
}

// String names the configuration by its factors.
func (c Config) String() string {
	s := fmt.Sprintf("%s-%s-%s-rows%d-workers%d-join%s-agg%s", c.Tier, c.Protocol, c.Flush, c.VectorRows, c.Workers, c.Join, c.Aggregate)
	for _, o := range []struct {
		on   bool
		name string
	}{{c.Forms, "forms"}, {c.RowByRow, "rowbyrow"}, {!c.Filters, "nofilters"}, {!c.Runs, "noruns"},
		{!c.Bounds, "nobounds"}, {!c.Bitmaps, "nobitmaps"}, {!c.Short, "noshort"}, {!c.Plans, "noplans"}, {c.Spill, "spill"},
		{c.Late != "auto", "late" + c.Late}, {c.Share, "share"},
		{c.SharedPlans != "always", "sharedplans" + c.SharedPlans},
		{c.Rules == "none", "norules"}, {c.Rules != "none" && c.Rules != "all", "no" + c.Rules},
		{c.QueryBytes > 0, fmt.Sprintf("memory%d", c.QueryBytes)}} {
		if o.on {
			s += "-" + o.name
		}
	}
	return s
}

func (c Config) settings() map[string]string {
	onOff := map[bool]string{true: "on", false: "off"}
	s := map[string]string{
		"debug_vector_rows": strconv.Itoa(c.VectorRows), "max_parallel_workers": strconv.Itoa(c.Workers),
		"debug_vector_forms": onOff[c.Forms], "debug_row_evaluator": onOff[c.RowByRow],
		"debug_join": c.Join, "debug_aggregate": c.Aggregate,
		"debug_join_filters": onOff[c.Filters], "debug_run_aggregation": onOff[c.Runs], "debug_spill": onOff[c.Spill],
		"debug_zone_maps": onOff[c.Bounds], "debug_bitmaps": onOff[c.Bitmaps],
		"debug_short_statements": onOff[c.Short], "debug_plan_cache": onOff[c.Plans],
		"debug_late_columns": c.Late, "debug_results_ahead": "always",
		"debug_shared_plans": c.SharedPlans,
	}
	if c.Share {
		s["debug_equal_parts"] = "always"
	}
	switch c.Rules {
	case "all":
	case "none":
		s["debug_disabled_rules"] = "all"
	default:
		s["debug_disabled_rules"] = c.Rules
	}
	return s
}
