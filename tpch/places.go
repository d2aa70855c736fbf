package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// RegionBatch has rows of region.
type RegionBatch struct {
	RegionKey []int64
	Name      Codes
	Comment   Strings

	reader textpool.Reader
}

// Table returns Region.
func (b *RegionBatch) Table() Table { return Region }

// Len returns the number of rows.
func (b *RegionBatch) Len() int { return len(b.RegionKey) }

// Columns returns the columns in table order.
func (b *RegionBatch) Columns() []Column {
	return columns(Region, b.RegionKey, &b.Name, &b.Comment)
}

var regionComment = stream{1500869201, 2}

// Region fills b with n rows from row first.
func (g *Generator) Region(first, n int64, b *RegionBatch) error {
	if err := g.check(Region, first, n); err != nil {
		return err
	}
	b.RegionKey = b.RegionKey[:0]
	b.Name.reset(regionNames)
	b.Comment.reset()
	text, comment := g.comments(&b.reader), regionComment.at(first)
	for i := first; i < first+n; i++ {
		b.RegionKey = append(b.RegionKey, i)
		b.Name.Code = append(b.Name.Code, uint8(i))
		text.append(&b.Comment, &comment, placeCommentLength)
	}
	return nil
}

// NationBatch has rows of nation.
type NationBatch struct {
	NationKey []int64
	Name      Codes
	RegionKey []int64
	Comment   Strings

	reader textpool.Reader
}

// Table returns Nation.
func (b *NationBatch) Table() Table { return Nation }

// Len returns the number of rows.
func (b *NationBatch) Len() int { return len(b.NationKey) }

// Columns returns the columns in table order.
func (b *NationBatch) Columns() []Column {
	return columns(Nation, b.NationKey, &b.Name, b.RegionKey, &b.Comment)
}

var nationComment = stream{606179079, 2}

// Nation fills b with n rows from row first.
func (g *Generator) Nation(first, n int64, b *NationBatch) error {
	if err := g.check(Nation, first, n); err != nil {
		return err
	}
	b.NationKey, b.RegionKey = b.NationKey[:0], b.RegionKey[:0]
	b.Name.reset(nationNames)
	b.Comment.reset()
	text, comment := g.comments(&b.reader), nationComment.at(first)
	for i := first; i < first+n; i++ {
		b.NationKey = append(b.NationKey, i)
		b.Name.Code = append(b.Name.Code, uint8(i))
		b.RegionKey = append(b.RegionKey, nationRegions[i])
		text.append(&b.Comment, &comment, placeCommentLength)
	}
	return nil
}
