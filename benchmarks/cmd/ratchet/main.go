// Command ratchet fails if TPC-H's queries cost more than the baseline that is committed, by more than noise:
//
//	cd benchmarks && go run ./cmd/ratchet
//
// With -update it writes the baseline, which is to be done on a quiet machine after something has become quicker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/laminadb/lamina/benchmarks/ratchet"
	"github.com/laminadb/lamina/internal/cli/report"
)

// What is measured: tries go on, each with as many runs, until the costs pass.
const (
	scaleFactor = 0.1
	runs        = 12
	tries       = 4
)

func main() {
	baseline := flag.String("baseline", "ratchet/baseline.txt", "file of the baseline")
	dir := flag.String("dir", "", "folder for the database (default a temporary one)")
	update := flag.Bool("update", false, "write the baseline")
	flag.Parse()
	if err := run(context.Background(), *baseline, *dir, *update); err != nil {
		fmt.Fprintln(os.Stderr, "ratchet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, dir string, update bool) (err error) {
	dir, err = os.MkdirTemp(dir, "lamina-ratchet-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := ratchet.Open(ctx, dir, scaleFactor)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if update {
		return write(ctx, m, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	base, err := ratchet.Read(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	var problems []string
	for range tries {
		got, err := m.Measure(ctx, runs)
		if err != nil {
			return err
		}
		if problems = ratchet.Check(got, base); len(problems) == 0 {
			fmt.Printf("22 queries, geometric mean of the processor time beside the baseline %s\n", report.Ratio(ratchet.Mean(got, base)))
			return nil
		}
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	return fmt.Errorf("%d figures are worse than the baseline", len(problems))
}

func write(ctx context.Context, m *ratchet.Measurer, file string) error {
	got, err := m.Measure(ctx, runs*tries)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(got.Write(f), f.Close())
}
