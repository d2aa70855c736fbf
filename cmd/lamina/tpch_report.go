package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	pretty "github.com/jedib0t/go-pretty/v6/table"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// tpchReport is what `lamina tpch --json` prints.
type tpchReport struct {
	Version     string        `json:"version"`
	Go          string        `json:"go"`
	CPUs        int           `json:"cpus"`
	ScaleFactor float64       `json:"scale_factor"`
	Tier        string        `json:"tier"`
	CorruptRow  bool          `json:"corrupt_row,omitempty"`
	Load        loadReport    `json:"load"`
	Mixed       *mixedReport  `json:"mixed,omitempty"`
	Memory      memoryReport  `json:"memory"`
	Queries     []queryReport `json:"queries"`
	Correct     int           `json:"correct"`
	// Passed: every answer was compared and correct.
	Passed bool `json:"passed"`
}

type loadReport struct {
	Rows              int64   `json:"rows"`
	Bytes             int64   `json:"bytes"`
	Seconds           float64 `json:"seconds"`
	RowsPerSecond     float64 `json:"rows_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"`
	BulkTransactions  int64   `json:"bulk_transactions"`
	SmallTransactions int64   `json:"small_transactions"`
}

// memoryReport says how much memory was in use at most.
type memoryReport struct {
	// LimitBytes is that of the database, for rows and queries.
	LimitBytes   int64 `json:"limit_bytes"`
	RowsBytes    int64 `json:"rows_bytes"`
	QueriesBytes int64 `json:"queries_bytes"`
	// ProcessBytes is what the process had, 0 if the system does not tell.
	ProcessBytes int64 `json:"process_bytes"`
}

// memoryOf reads what was in use.
func memoryOf(m table.Metrics) (r memoryReport) {
	r.RowsBytes, r.LimitBytes = m.MemoryPeakBytes, m.MemoryLimit
	for _, use := range m.Memory {
		if use.LimitBytes > 0 { // what rows are in has one limit for all its uses
			r.QueriesBytes += use.PeakBytes
			r.LimitBytes += use.LimitBytes
		}
	}
	r.ProcessBytes = mem.PeakResident()
	return r
}

func (r *memoryReport) String() string {
	s := fmt.Sprintf("Memory at most: %s for rows and %s for queries, of %s together", bytesText(r.RowsBytes), bytesText(r.QueriesBytes),
		bytesText(r.LimitBytes))
	if r.ProcessBytes > 0 {
		s += fmt.Sprintf("; %s of the process", bytesText(r.ProcessBytes))
	}
	return s + ".\n"
}

type mixedReport struct {
	Updated    int64 `json:"rows_updated"`
	Reinserted int64 `json:"rows_reinserted"`
	DeadRows   int64 `json:"dead_rows"`
	Commits    int64 `json:"commits"`
	Groups     int64 `json:"groups"`
	LogSyncs   int64 `json:"log_syncs"`
	// Beside is the number of transactions that committed beside the queries.
	Beside int64 `json:"commits_beside"`
	// Columnar is there if the tables are columnar.
	Columnar *columnarReport `json:"columnar,omitempty"`
}

func newTPCHReport(o *tpchFlags) tpchReport {
	return tpchReport{
		Version: lamina.Version(), Go: runtime.Version(), CPUs: runtime.GOMAXPROCS(0), ScaleFactor: o.sf, Tier: o.tier,
		CorruptRow: o.corruptRow,
	}
}

// finish counts. A run with a damaged row never passes.
func (r *tpchReport) finish(o *tpchFlags) {
	for _, q := range r.Queries {
		if q.Status == statusCorrect {
			r.Correct++
		}
	}
	r.Passed = r.Correct == len(r.Queries) && len(r.Queries) > 0 && !o.corruptRow
	if r.Mixed != nil && r.Mixed.Columnar != nil && !r.Mixed.Columnar.complete() {
		r.Passed = false
	}
}

func (r *tpchReport) printJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *tpchReport) printTable(w io.Writer) error {
	t := grid(pretty.Row{"query", "rows", "first ms", "best ms", "answer"}, 2, 3, 4)
	var first, best float64
	for i := range r.Queries {
		q := &r.Queries[i]
		first, best = first+q.first(), best+q.best()
		t.AppendRow(pretty.Row{fmt.Sprintf("Q%d", q.Query), q.Rows, millis(q.first()), millis(q.best()), q.Status})
	}
	t.AppendFooter(pretty.Row{"total", "", millis(first), millis(best), ""})
	if _, err := fmt.Fprintf(w, "%s\n%s", t.Render(), &r.Memory); err != nil {
		return err
	}
	return r.printReasons(w)
}

// printReasons says why answers are not correct.
func (r *tpchReport) printReasons(w io.Writer) error {
	unknown := 0
	for _, q := range r.Queries {
		switch q.Status {
		case statusWrong:
			fmt.Fprintf(w, "WRONG: %s\n", q.Reason)
		case statusFailed:
			fmt.Fprintf(w, "FAILED: query %d: %s: %s\n", q.Query, q.SQLState, q.Reason)
		case statusNoAnswer:
			unknown++
		}
	}
	if unknown > 0 {
		fmt.Fprintf(w, "%s not compared and not counted: there are expected ones for scale factors %s.\n",
			countOf(int64(unknown), "answer"), scaleFactors())
	}
	if r.CorruptRow && r.Correct == len(r.Queries) {
		fmt.Fprintln(w, "NOT NOTICED: one price was changed, but no answer shows it.")
	}
	_, err := fmt.Fprintf(w, "%d of %d correct\n", r.Correct, len(r.Queries))
	return err
}

func millis(ms float64) string { return fmt.Sprintf("%.2f", ms) }
