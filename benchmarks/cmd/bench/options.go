package main

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/tpch"
)

// sizes say how much is measured.
type sizes struct {
	oltpRows              int64
	oltpRounds            int
	oltpRoundTime         time.Duration
	deltaRows, deltaRuns  int
	segmentRows           int
	segmentRuns           int
	segmentQueries        int
	loadScale             float64
	loadRounds            int
	recoveryBytes         int64
	memoryBytes           int64
	memoryMore, mixedTime time.Duration
	randomRows            int64
	sustainedTime         time.Duration
	tpchRuns              int
	// Of disguised TPC-H and SSB, and the rows of H2O.ai's questions.
	disguisedScale, ssbScale float64
	h2oRows                  int
	versusRuns               int
	// Of TPC-H on more rows than fit into memory.
	largeScale float64
	largeRuns  int
	htapScale  float64
	htapRuns   int
	htapTime   time.Duration
}

var (
	// usual are the sizes of a run of about half an hour.
	usual = sizes{
		oltpRows: 200_000, oltpRounds: 5, oltpRoundTime: 400 * time.Millisecond,
		deltaRows: 1_000_000, deltaRuns: 21,
		segmentRows: 1_000_000, segmentRuns: 21, segmentQueries: 5,
		loadScale: 1, loadRounds: 2,
		recoveryBytes: 512 << 20,
		memoryBytes:   256 << 20, memoryMore: 3 * time.Second,
		mixedTime:  10 * time.Second,
		randomRows: 10_000_000, sustainedTime: 20 * time.Second,
		tpchRuns:       9,
		disguisedScale: 1, ssbScale: 1, h2oRows: 2_000_000, versusRuns: 5,
		largeScale: 10, largeRuns: 3,
		htapScale: 1, htapRuns: 7, htapTime: 10 * time.Second,
	}
	// quick are those of a run that only shows that everything can be measured.
	quick = sizes{
		oltpRows: 5000, oltpRounds: 1, oltpRoundTime: 20 * time.Millisecond,
		deltaRows: 50_000, deltaRuns: 3,
		segmentRows: 200_000, segmentRuns: 3, segmentQueries: 2,
		loadScale: 0.01, loadRounds: 1,
		recoveryBytes: 4 << 20,
		memoryBytes:   64 << 20, memoryMore: 200 * time.Millisecond,
		mixedTime:  time.Second,
		randomRows: 100_000, sustainedTime: time.Second,
		tpchRuns:       3,
		disguisedScale: 0.01, ssbScale: 0.01, h2oRows: 10_000, versusRuns: 3,
		largeScale: 0.01, largeRuns: 1,
		htapScale: 0.01, htapRuns: 2, htapTime: 500 * time.Millisecond,
	}
)

// mixedGoroutines is the number of clients of the mixed transactions.
const mixedGoroutines = 100

// tpchTimeMax bounds the runs of TPC-H at one scale factor.
const tpchTimeMax = 60 * time.Second

type options struct {
	sf      []float64
	only    []string
	out     string
	dir     string
	profile string
	size    sizes
}

func parse() (o *options, err error) {
	o = &options{size: usual}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	only, sf, isQuick, mixed, sustained, random := "", "", false, time.Duration(0), time.Duration(0), int64(0)
	flag.StringVar(&sf, "sf", "0.1,1", "scale factors of TPC-H")
	flag.StringVar(&only, "only", strings.Join(names, ","), "what to measure")
	flag.StringVar(&o.out, "out", "../docs/BENCHMARKS.md", "file for the report, empty for none")
	flag.StringVar(&o.dir, "dir", "", "folder on a disk for the databases (default a temporary one)")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU profiles: of each part, and of Lamina in each TPC-H query")
	flag.BoolVar(&isQuick, "quick", false, "measure very little, to show that everything can be measured")
	flag.DurationVar(&mixed, "mixed", 0, "how long the mixed transactions run (default 10s)")
	flag.Int64Var(&random, "random", 0, "how many rows with random keys are inserted (default 10000000)")
	flag.DurationVar(&sustained, "sustained", 0, "how long rows are inserted beside scans (default 20s)")
	flag.Parse()
	if isQuick {
		o.size = quick
	}
	if mixed > 0 {
		o.size.mixedTime = mixed
	}
	if random > 0 {
		o.size.randomRows = random
	}
	if sustained > 0 {
		o.size.sustainedTime = sustained
	}
	o.only = strings.Split(only, ",")
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return o, fmt.Errorf("-only %s: there are %s", name, strings.Join(names, ", "))
		}
	}
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	for text := range strings.SplitSeq(sf, ",") {
		f, err := strconv.ParseFloat(text, 64)
		if err == nil {
			_, err = tpch.New(f)
		}
		if err != nil {
			return o, fmt.Errorf("-sf %s: %w", text, err)
		}
		o.sf = append(o.sf, f)
	}
	return o, nil
}
