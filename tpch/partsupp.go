package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// PartSuppBatch has rows of partsupp.
type PartSuppBatch struct {
	PartKey    []int64
	SuppKey    []int64
	AvailQty   []int32
	SupplyCost []int64 // hundredths
	Comment    Strings

	reader textpool.Reader
}

// Table returns PartSupp.
func (b *PartSuppBatch) Table() Table { return PartSupp }

// Len returns the number of rows.
func (b *PartSuppBatch) Len() int { return len(b.PartKey) }

// Columns returns the columns in table order.
func (b *PartSuppBatch) Columns() []Column {
	return columns(PartSupp, b.PartKey, b.SuppKey, b.AvailQty, b.SupplyCost, &b.Comment)
}

var (
	partSuppQty     = stream{1671059989, suppliersPerPart}
	partSuppCost    = stream{1051288424, suppliersPerPart}
	partSuppComment = stream{1961692154, 2 * suppliersPerPart}
)

// PartSupp fills b with the four rows of each of n parts from part first, counted from 0.
func (g *Generator) PartSupp(first, n int64, b *PartSuppBatch) error {
	if err := g.check(PartSupp, first, n); err != nil {
		return err
	}
	b.PartKey, b.SuppKey = b.PartKey[:0], b.SuppKey[:0]
	b.AvailQty, b.SupplyCost = b.AvailQty[:0], b.SupplyCost[:0]
	b.Comment.reset()
	text := g.comments(&b.reader)
	qty, cost, comment := partSuppQty.at(first), partSuppCost.at(first), partSuppComment.at(first)
	for key := first + 1; key <= first+n; key++ {
		for i := range int64(suppliersPerPart) {
			b.PartKey = append(b.PartKey, key)
			b.SuppKey = append(b.SuppKey, g.supplierOf(key, i))
			b.AvailQty = append(b.AvailQty, int32(qty.between(1, 9999)))
			b.SupplyCost = append(b.SupplyCost, cost.between(100, 100000))
			text.append(&b.Comment, &comment, partSuppCommentLength)
		}
	}
	return nil
}

// supplierOf returns the key of supplier i of a part, i in [0, suppliersPerPart).
func (g *Generator) supplierOf(part, i int64) int64 {
	return (part+i*(g.suppliers/suppliersPerPart+(part-1)/g.suppliers))%g.suppliers + 1
}
