package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/mem"
)

// openFlags are the flags of commands that open a database.
type openFlags struct {
	memoryLimit size
	workers     int
}

func (o *openFlags) add(f *pflag.FlagSet) {
	f.Var(&o.memoryLimit, "memory-limit", "memory for rows, indexes and queries (default half of the machine's)")
	f.IntVar(&o.workers, "workers", 0, "goroutines that run queries (default one per CPU)")
}

// check refuses what lamina.Open would refuse, as wrong usage.
func (o *openFlags) check() error {
	if o.workers < 0 || o.workers > 1024 {
		return fmt.Errorf("--workers %d: 0 to 1024", o.workers)
	}
	return nil
}

func (o *openFlags) options() *lamina.Options {
	mem.LimitHeap(int64(o.memoryLimit))
	return &lamina.Options{
		MemoryBytes: int64(o.memoryLimit), Workers: o.workers,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
