package tpch

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/tpch/internal/textpool"
)

// A Generator makes the rows of one scale factor. It is safe for concurrent use; the batches that
// it fills are not.
type Generator struct {
	scaleFactor float64
	parts       int64
	suppliers   int64
	customers   int64
	orders      int64
	clerks      int64

	countLines func() int64
	pool       atomic.Pointer[textpool.Pool]
	poolMu     sync.Mutex // held while pool is made
}

// ScaleFactorMax is the largest scale factor. From 30000 on dbgen draws keys from a second random
// generator, with rows that depend on how the work was split; such sizes are not offered.
const ScaleFactorMax = 10000

// BatchUnitsMax limits how many units one call may ask for.
const BatchUnitsMax = 1 << 20

const suppliersPerPart = 4

// New returns the generator for a scale factor: a whole number, or below 1 a multiple of 0.001. For
// other values dbgen silently makes the data of the next smaller one of these.
func New(scaleFactor float64) (*Generator, error) {
	thousandths := math.Round(scaleFactor * 1000)
	switch {
	case math.IsNaN(scaleFactor) || scaleFactor <= 0:
		return nil, fmt.Errorf("scale factor %v: must be above 0", scaleFactor)
	case scaleFactor > ScaleFactorMax:
		return nil, fmt.Errorf("scale factor %v: must be at most %d", scaleFactor, ScaleFactorMax)
	case scaleFactor < 1 && (thousandths == 0 || math.Abs(scaleFactor*1000-thousandths) > 1e-9):
		return nil, fmt.Errorf("scale factor %v: below 1 it must be a multiple of 0.001", scaleFactor)
	case scaleFactor >= 1 && scaleFactor != math.Trunc(scaleFactor):
		return nil, fmt.Errorf("scale factor %v: above 1 it must be a whole number", scaleFactor)
	}
	scaled := func(base int64) int64 { return base * int64(thousandths) / 1000 }
	g := &Generator{
		scaleFactor: thousandths / 1000,
		parts:       scaled(200_000),
		suppliers:   scaled(10_000),
		customers:   scaled(150_000),
		orders:      scaled(1_500_000),
		// The clerks do not shrink below scale factor 1.
		clerks: max(scaled(1000), 1000),
	}
	g.countLines = sync.OnceValue(g.sumLines)
	return g, nil
}

// ScaleFactor returns the scale factor.
func (g *Generator) ScaleFactor() float64 { return g.scaleFactor }

// Rows returns the exact number of rows of a table. That of LineItem is not proportional to the
// scale factor: it is counted on the first call, which takes about 3 ms for scale factor 1.
func (g *Generator) Rows(t Table) int64 {
	switch t {
	case PartSupp:
		return g.parts * suppliersPerPart
	case LineItem:
		return g.countLines()
	}
	return g.Units(t)
}

// Units returns the number of units of a table. A unit is what has its own place in the random
// streams: an order for Orders and LineItem, a part for Part and PartSupp, a row for the others.
func (g *Generator) Units(t Table) int64 {
	switch t {
	case Region:
		return int64(len(regionNames))
	case Nation:
		return int64(len(nationNames))
	case Part, PartSupp:
		return g.parts
	case Supplier:
		return g.suppliers
	case Customer:
		return g.customers
	case Orders, LineItem:
		return g.orders
	}
	return 0
}

// NewBatch returns an empty batch for Fill.
func NewBatch(t Table) Batch {
	switch t {
	case Region:
		return new(RegionBatch)
	case Nation:
		return new(NationBatch)
	case Part:
		return new(PartBatch)
	case Supplier:
		return new(SupplierBatch)
	case PartSupp:
		return new(PartSuppBatch)
	case Customer:
		return new(CustomerBatch)
	case Orders:
		return new(OrdersBatch)
	case LineItem:
		return new(LineItemBatch)
	}
	return nil
}

// Fill replaces the rows of b by those of n units from unit first, counted from 0.
func (g *Generator) Fill(b Batch, first, n int64) error {
	switch b := b.(type) {
	case *RegionBatch:
		return g.Region(first, n, b)
	case *NationBatch:
		return g.Nation(first, n, b)
	case *PartBatch:
		return g.Part(first, n, b)
	case *SupplierBatch:
		return g.Supplier(first, n, b)
	case *PartSuppBatch:
		return g.PartSupp(first, n, b)
	case *CustomerBatch:
		return g.Customer(first, n, b)
	case *OrdersBatch:
		return g.Orders(first, n, b, nil)
	case *LineItemBatch:
		return g.Orders(first, n, nil, b)
	}
	return fmt.Errorf("fill: unknown batch type %T", b)
}

func (g *Generator) check(t Table, first, n int64) error {
	if units := g.Units(t); first < 0 || n < 0 || n > BatchUnitsMax || first > units-n {
		return fmt.Errorf("%s: %d units from %d: outside of the %d units or more than %d at a time",
			t, n, first, units, BatchUnitsMax)
	}
	return nil
}

// LoadText makes the whole text of the comments now and keeps it in memory: 300 MiB. Comments are
// otherwise made one by one, which takes less time in total below about scale factor 0.3. A second
// call does nothing.
func (g *Generator) LoadText(ctx context.Context) error {
	g.poolMu.Lock()
	defer g.poolMu.Unlock()
	if g.pool.Load() != nil {
		return nil
	}
	p, err := textpool.NewPool(ctx, runtime.GOMAXPROCS(0))
	if err != nil {
		return fmt.Errorf("load text: %w", err)
	}
	g.pool.Store(p)
	return nil
}
