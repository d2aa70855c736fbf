// Command tpchrows makes the rows of TPC-H at a scale factor with package tpch and with go-tpc, and compares the tables as sets of
// rows by count and checksum:
//
//	cd benchmarks && go run ./cmd/tpchrows -sf 1
//
// It says how fast package tpch made their text. The exit code is 1 if a table differs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/laminadb/lamina/benchmarks/generator"
	"github.com/laminadb/lamina/tpch"
)

func main() {
	sf := flag.Int64("sf", 1, "scale factor, a whole number")
	flag.Parse()
	if err := run(context.Background(), *sf); err != nil {
		fmt.Fprintln(os.Stderr, "tpchrows:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sf int64) error {
	g, err := tpch.New(float64(sf))
	if err != nil {
		return err
	}
	start := time.Now()
	bytes, err := generator.Text(ctx, g)
	if err != nil {
		return err
	}
	took := time.Since(start)
	fmt.Printf("package tpch: %d bytes of text in %.2f s: %.0f MB/s with %d CPUs\n", bytes, took.Seconds(),
		float64(bytes)/1e6/took.Seconds(), runtime.GOMAXPROCS(0))
	start = time.Now()
	theirs, err := generator.Peer(sf)
	if err != nil {
		return err
	}
	fmt.Printf("go-tpc: all rows in %.2f s\n", time.Since(start).Seconds())
	equal := 0
	for _, t := range tpch.Tables() {
		own, err := generator.Own(ctx, g, t)
		if err != nil {
			return err
		}
		verdict := "DIFFER"
		if *own == *theirs[t] {
			verdict = "equal"
			equal++
		}
		fmt.Printf("%-10s %9d rows %11d bytes %016x%016x, go-tpc %9d rows %11d bytes %016x%016x: %s\n", t, own.Count, own.Bytes,
			own.Sum[0], own.Sum[1], theirs[t].Count, theirs[t].Bytes, theirs[t].Sum[0], theirs[t].Sum[1], verdict)
	}
	if n := len(tpch.Tables()); equal != n {
		return fmt.Errorf("%d of %d tables are equal", equal, n)
	}
	fmt.Printf("%d tables are equal\n", equal)
	return nil
}
