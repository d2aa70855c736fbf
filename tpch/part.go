package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// PartBatch has rows of part.
type PartBatch struct {
	PartKey     []int64
	Name        Strings
	Mfgr        Codes
	Brand       Codes
	Type        Codes
	Size        []int32
	Container   Codes
	RetailPrice []int64 // hundredths
	Comment     Strings

	reader textpool.Reader
}

// Table returns Part.
func (b *PartBatch) Table() Table { return Part }

// Len returns the number of rows.
func (b *PartBatch) Len() int { return len(b.PartKey) }

// Columns returns the columns in table order.
func (b *PartBatch) Columns() []Column {
	return columns(Part, b.PartKey, &b.Name, &b.Mfgr, &b.Brand, &b.Type, b.Size, &b.Container,
		b.RetailPrice, &b.Comment)
}

func (b *PartBatch) reset() {
	b.PartKey, b.Size, b.RetailPrice = b.PartKey[:0], b.Size[:0], b.RetailPrice[:0]
	b.Name.reset()
	b.Mfgr.reset(manufacturers)
	b.Brand.reset(brands)
	b.Type.reset(partTypes)
	b.Container.reset(containers)
	b.Comment.reset()
}

var (
	partMfgr      = stream{1, 1}
	partBrand     = stream{46831694, 1}
	partType      = stream{1841581359, 1}
	partSize      = stream{1193163244, 1}
	partContainer = stream{727633698, 1}
	partComment   = stream{804159733, 2}
	partName      = stream{709314158, 92}
)

// Part fills b with n rows from row first.
func (g *Generator) Part(first, n int64, b *PartBatch) error {
	if err := g.check(Part, first, n); err != nil {
		return err
	}
	b.reset()
	text := g.comments(&b.reader)
	name, mfgr, brand, kind := partName.at(first), partMfgr.at(first), partBrand.at(first), partType.at(first)
	size, container, comment := partSize.at(first), partContainer.at(first), partComment.at(first)
	var shuffle colorShuffle
	for key := first + 1; key <= first+n; key++ {
		b.PartKey = append(b.PartKey, key)
		shuffle.appendName(&b.Name, &name)
		m := mfgr.index(len(manufacturers))
		b.Mfgr.Code = append(b.Mfgr.Code, uint8(m))
		b.Brand.Code = append(b.Brand.Code, uint8(m*5+brand.index(5)))
		b.Type.Code = append(b.Type.Code, uint8(kind.index(len(partTypes))))
		b.Size = append(b.Size, int32(size.between(1, 50)))
		b.Container.Code = append(b.Container.Code, uint8(container.index(len(containers))))
		b.RetailPrice = append(b.RetailPrice, retailPrice(key))
		text.append(&b.Comment, &comment, partCommentLength)
	}
	return nil
}

// retailPrice returns the price of a part in hundredths.
func retailPrice(part int64) int64 {
	return 90000 + part/10%20001 + part%1000*100
}

const (
	numColors    = 92
	nameColors   = 5
	nameSkipping = numColors - nameColors
)

// A colorShuffle makes part names: the first colours of a shuffle of all. It restores what it
// swaps.
type colorShuffle struct {
	order [numColors]uint8
	ready bool
}

// appendName appends the name of a part. It takes as many draws as there are colours.
func (c *colorShuffle) appendName(dst *Strings, s *source) {
	if !c.ready {
		for i := range c.order {
			c.order[i] = uint8(i)
		}
		c.ready = true
	}
	var from [nameColors]int
	for i := range from {
		from[i] = i + s.index(numColors-i)
		c.order[i], c.order[from[i]] = c.order[from[i]], c.order[i]
		if i > 0 {
			dst.Data = append(dst.Data, ' ')
		}
		dst.Data = append(dst.Data, colors[c.order[i]]...)
	}
	for i := nameColors - 1; i >= 0; i-- {
		c.order[i], c.order[from[i]] = c.order[from[i]], c.order[i]
	}
	dst.end()
	s.skip(nameSkipping)
}
