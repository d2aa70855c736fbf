package tpch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/laminadb/lamina/tpch"
)

// In order or not, with any number of workers, the sink gets every row of every table once.
func TestGenerateDeliversEveryRow(t *testing.T) {
	g := newGenerator(t, 0.01)
	want := map[tpch.Table][]byte{}
	for _, table := range tpch.Tables() {
		want[table] = text(t, g, tpch.NewBatch(table), 0, g.Units(table))
	}
	for _, opts := range []tpch.GenerateOptions{
		{}, {Ordered: true}, {Workers: 1}, {Workers: 3, BatchUnits: 70}, {Workers: 3, BatchUnits: 70, Ordered: true},
		{Tables: []tpch.Table{tpch.LineItem, tpch.Nation}}, {Tables: []tpch.Table{tpch.LineItem, tpch.Orders}},
	} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			got := collect(t, g, opts)
			tables := opts.Tables
			if tables == nil {
				tables = tpch.Tables()
			}
			if len(got) != len(tables) {
				t.Errorf("%d tables, want %d", len(got), len(tables))
			}
			for _, table := range tables {
				if !bytes.Equal(got[table], want[table]) {
					t.Errorf("%s differs", table)
				}
			}
		})
	}
}

// collect returns the text of the tables. Ordered batches are taken as they come.
func collect(t *testing.T, g *tpch.Generator, opts tpch.GenerateOptions) map[tpch.Table][]byte {
	t.Helper()
	type piece struct {
		first int64
		text  []byte
	}
	var mu sync.Mutex
	pieces := map[tpch.Table][]piece{}
	err := g.Generate(context.Background(), opts, func(_ context.Context, b tpch.Batch, first int64) error {
		text := tpch.AppendTBL(nil, b, true)
		mu.Lock()
		defer mu.Unlock()
		pieces[b.Table()] = append(pieces[b.Table()], piece{first, text})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[tpch.Table][]byte{}
	for table, p := range pieces {
		if !opts.Ordered {
			slices.SortFunc(p, func(a, b piece) int { return int(a.first - b.first) })
		}
		for _, piece := range p {
			got[table] = append(got[table], piece.text...)
		}
	}
	return got
}

func TestProgress(t *testing.T) {
	g := newGenerator(t, 0.01)
	last := map[tpch.Table]tpch.Progress{}
	opts := tpch.GenerateOptions{Workers: 2, BatchUnits: 100, Progress: func(p tpch.Progress) {
		if before := last[p.Table]; p.Rows <= before.Rows || p.Units <= before.Units || p.Units > p.UnitsTotal {
			t.Errorf("progress %+v after %+v", p, before)
		}
		last[p.Table] = p
	}}
	nothing := func(context.Context, tpch.Batch, int64) error { return nil }
	if err := g.Generate(context.Background(), opts, nothing); err != nil {
		t.Fatal(err)
	}
	for _, table := range tpch.Tables() {
		if p := last[table]; p.Rows != g.Rows(table) || p.Units != g.Units(table) || p.UnitsTotal != p.Units {
			t.Errorf("%s ends with %+v", table, p)
		}
	}
}

// An error of the sink ends the work at once: with Ordered, no batch follows the refused one.
func TestSinkError(t *testing.T) {
	g := newGenerator(t, 0.01)
	refused := errors.New("refused")
	for _, ordered := range []bool{false, true} {
		var mu sync.Mutex
		calls, after := 0, 0
		opts := tpch.GenerateOptions{Workers: 3, BatchUnits: 10, Ordered: ordered, Tables: []tpch.Table{tpch.Orders}}
		err := g.Generate(context.Background(), opts, func(_ context.Context, b tpch.Batch, first int64) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			if calls > 5 {
				after++
				return refused
			}
			return nil
		})
		if !errors.Is(err, refused) {
			t.Errorf("ordered %v: %v", ordered, err)
		}
		if ordered && after != 1 || after < 1 || after > opts.Workers {
			t.Errorf("ordered %v: %d calls after the first error", ordered, after-1)
		}
	}
}

func TestCancel(t *testing.T) {
	g := newGenerator(t, 0.01)
	for _, ordered := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		opts := tpch.GenerateOptions{Workers: 2, BatchUnits: 10, Ordered: ordered,
			Progress: func(tpch.Progress) {
				if calls++; calls == 3 {
					cancel()
				}
			}}
		err := g.Generate(ctx, opts, func(context.Context, tpch.Batch, int64) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ordered %v: %v", ordered, err)
		}
		if calls > 3+opts.Workers {
			t.Errorf("ordered %v: %d batches after the end", ordered, calls-3)
		}
		cancel()
	}
}

func TestGenerateRefusesBadOptions(t *testing.T) {
	g := newGenerator(t, 0.01)
	for _, opts := range []tpch.GenerateOptions{
		{BatchUnits: tpch.BatchUnitsMax + 1},
		{Tables: []tpch.Table{99}},
		{Tables: []tpch.Table{tpch.Orders, tpch.LineItem, tpch.Orders}},
	} {
		err := g.Generate(context.Background(), opts, func(context.Context, tpch.Batch, int64) error { return nil })
		if err == nil {
			t.Errorf("%+v is accepted", opts)
		}
	}
	w := failingWriter{}
	if err := g.WriteTBL(context.Background(), w, tpch.Part, true, tpch.GenerateOptions{}); !errors.Is(err, errWrite) {
		t.Errorf("WriteTBL to a failing writer: %v", err)
	}
}

var errWrite = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errWrite }

// All of scale factor 0.1 is made in a small and constant amount of memory.
func TestMemory(t *testing.T) {
	g := newGenerator(t, 0.1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows := 0
	opts := tpch.GenerateOptions{Workers: 2, Ordered: true}
	err := g.Generate(context.Background(), opts, func(_ context.Context, b tpch.Batch, _ int64) error {
		rows += b.Len()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if rows != 866602 {
		t.Errorf("%d rows", rows)
	}
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 50 {
		t.Errorf("%d MiB allocated in total, want at most 50", mib)
	}
}
