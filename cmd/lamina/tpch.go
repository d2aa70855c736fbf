package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/laminadb/lamina/tpch"
)

type tpchFlags struct {
	openFlags
	sf         float64
	tier       string
	mixed      bool
	corruptRow bool
	json       bool
	verify     bool
	queries    []string
	runs       int
}

func newTPCH() *cobra.Command {
	var o tpchFlags
	c := &cobra.Command{
		Use:   "tpch [DIR]",
		Short: "Generate TPC-H data, load it, run the queries, and check every answer",
		Long: "Makes the rows of TPC-H's dbgen, loads them through the Go API, runs the queries as SQL, and compares each\n" +
			"answer with PostgreSQL's in value, text and order. Without DIR the database is in a temporary folder, which is\n" +
			"removed at the end. There are expected answers for scale factors " + scaleFactors() + "; at others an answer\n" +
			"is shown as \"no answer\" and does not count as correct. The exit code is 0 if all answers are correct.\n" +
			"With `go run`, the first build takes about two minutes, whatever the scale factor.",
		Example: "  lamina tpch\n  lamina tpch --sf 0.01 --mixed --tier memory\n  lamina tpch data --queries 1,6 --runs 10\n  lamina tpch --verify --sf 0.01",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := ""
			if len(args) > 0 {
				dir = args[0]
			}
			if o.verify {
				return verifyTPCH(c, dir, &o)
			}
			return runTPCH(c, dir, &o)
		},
	}
	f := c.Flags()
	f.Float64Var(&o.sf, "sf", 0.1, "scale factor")
	f.StringVar(&o.tier, "tier", "columnar", "tier of the tables: columnar, memory or lsm")
	f.BoolVar(&o.mixed, "mixed", false, "load half of the rows in small transactions, rewrite 2 %, and write and compact beside the queries")
	f.BoolVar(&o.corruptRow, "corrupt-row", false, "change one price before the load: answers must turn out WRONG")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of text")
	f.StringSliceVar(&o.queries, "queries", nil, "queries to run, 1 to 22, or all (default "+numbers(tpch.Spine())+")")
	f.IntVar(&o.runs, "runs", 3, "how often each query runs")
	f.BoolVar(&o.verify, "verify", false, "run all queries once in many ways: on each tier, loaded plainly and mixed, with 1 and 4 workers, small vectors, row by row, and spilling")
	o.add(f)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "memory" {
			name = "memory-limit"
		}
		return pflag.NormalizedName(name)
	})
	c.AddCommand(newTPCHGenerate())
	return c
}

func scaleFactors() string {
	var texts []string
	for _, f := range tpch.AnswerScaleFactors() {
		texts = append(texts, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strings.Join(texts, ", ")
}

func numbers(list []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ","), "[]")
}

// queryList returns the queries asked for.
func (o *tpchFlags) queryList() ([]int, error) {
	if len(o.queries) == 0 {
		return tpch.Spine(), nil
	}
	var list []int
	for _, text := range o.queries {
		if text == "all" {
			for n := 1; n <= tpch.NumQueries; n++ {
				list = append(list, n)
			}
			continue
		}
		n, err := strconv.Atoi(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "q"))
		if err != nil || n < 1 || n > tpch.NumQueries {
			return nil, fmt.Errorf("--queries %s: there are queries 1 to %d", text, tpch.NumQueries)
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (o *tpchFlags) check() (*tpch.Generator, []int, error) {
	g, gerr := tpch.New(o.sf)
	queries, qerr := o.queryList()
	var terr, rerr error
	if !slices.Contains([]string{"columnar", "memory", "lsm"}, o.tier) {
		terr = fmt.Errorf("--tier %s: there are columnar, memory and lsm", o.tier)
	}
	if o.runs < 1 || o.runs > 1000 {
		rerr = fmt.Errorf("--runs %d: 1 to 1000", o.runs)
	}
	return g, queries, errors.Join(gerr, terr, qerr, rerr, o.openFlags.check())
}

func runTPCH(c *cobra.Command, dir string, o *tpchFlags) (err error) {
	g, queries, err := o.check()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if !o.json {
		fmt.Fprintf(c.OutOrStdout(), "TPC-H at scale factor %v in the %s tier.\n", o.sf, o.tier)
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "lamina-tpch-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	job := &tpchJob{
		flags: o, g: g, queries: queries, dir: dir, passes: make([]tpchPass, 1),
		out: c.OutOrStdout(), bars: newBars(c.ErrOrStderr(), o.json),
	}
	if err := job.run(c.Context()); err != nil {
		return err
	}
	if !job.report.Passed {
		return &exitError{code: exitFailure}
	}
	return nil
}
