package tpch

import (
	"bytes"
	"embed"
	"fmt"
	"sync"

	"github.com/laminadb/lamina/tpch/internal/answerfile"
)

// The answers were made by PostgreSQL on the rows of the generator. To make them again, with the
// connection string of a PostgreSQL server:
//
//	go run ./internal/answergen -dsn "host=localhost user=postgres"

//go:embed answers/sf0.01.txt.gz answers/sf0.1.txt.gz answers/sf1.txt.gz
var answerFiles embed.FS

// A Value is one value of a result in the text form of PostgreSQL: char(n) is padded, numeric has
// all digits of its scale.
type Value struct {
	Text string
	Null bool
}

// A Result is the result of a query.
type Result struct {
	Columns []string
	Rows    [][]Value
}

// answers loads the file of a scale factor when it is first asked for.
var answers = map[float64]func() ([]Result, error){
	0.01: sync.OnceValues(func() ([]Result, error) { return readAnswers("answers/sf0.01.txt.gz") }),
	0.1:  sync.OnceValues(func() ([]Result, error) { return readAnswers("answers/sf0.1.txt.gz") }),
	1:    sync.OnceValues(func() ([]Result, error) { return readAnswers("answers/sf1.txt.gz") }),
}

// AnswerScaleFactors returns the scale factors for which there are answers, in ascending order.
func AnswerScaleFactors() []float64 { return []float64{0.01, 0.1, 1} }

// Answer returns the answer of PostgreSQL to a query at a scale factor, and whether there is one.
// The caller must not change it.
func Answer(scaleFactor float64, query int) (Result, bool) {
	read, ok := answers[scaleFactor]
	if !ok || query < 1 || query > NumQueries {
		return Result{}, false
	}
	results, err := read()
	if err != nil {
		panic(err) // the files are part of the program
	}
	return results[query], true
}

// readAnswers reads a file into results by query number.
func readAnswers(name string) ([]Result, error) {
	file, err := answerFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	sections, err := answerfile.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	results := make([]Result, NumQueries+1)
	for _, s := range sections {
		if s.Query < 1 || s.Query > NumQueries {
			return nil, fmt.Errorf("%s: query %d", name, s.Query)
		}
		if results[s.Query], err = newResult(s); err != nil {
			return nil, fmt.Errorf("%s: query %d: %w", name, s.Query, err)
		}
	}
	for n := 1; n <= NumQueries; n++ {
		if len(results[n].Columns) == 0 {
			return nil, fmt.Errorf("%s: no answer of query %d", name, n)
		}
	}
	return results, nil
}

func newResult(s answerfile.Section) (Result, error) {
	columns, _, err := answerfile.Fields(s.Header)
	if err != nil {
		return Result{}, err
	}
	r := Result{Columns: columns, Rows: make([][]Value, 0, len(s.Rows))}
	for i, line := range s.Rows {
		texts, null, err := answerfile.Fields(line)
		if err != nil {
			return Result{}, err
		}
		if len(texts) != len(columns) {
			return Result{}, fmt.Errorf("row %d has %d of %d columns", i+1, len(texts), len(columns))
		}
		row := make([]Value, len(texts))
		for k := range texts {
			row[k] = Value{Text: texts[k], Null: null[k]}
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}
