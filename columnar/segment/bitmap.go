package segment

import (
	"hash/crc32"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/sqlerr"
)

// addBitmaps writes one bitmap a value, in the order of the dictionary, and one of the NULLs.
func (w *Writer) addBitmaps(sw *sidecarWriter, i int, order []uint32) error {
	c := &w.cols[i]
	var root encoder
	var body []byte
	add := func(bm *roaring.Bitmap) error {
		bm.RunOptimize()
		p, err := bm.ToBytes()
		if err != nil {
			return sqlerr.Newf(sqlerr.InternalError, "bitmap of column %q: %w", w.schema.Columns[i].Name, err)
		}
		root.u(uint64(len(p)))
		root.u(bm.GetCardinality())
		root.u32(crc32.Checksum(p, castagnoli))
		body = append(body, p...)
		return nil
	}
	root.u(uint64(len(order) + 1))
	for _, code := range order {
		if err := add(c.distinct.bitmaps[code]); err != nil {
			return err
		}
	}
	if err := add(roaring.BitmapOf(c.nullRows...)); err != nil {
		return err
	}
	sw.add(secBitmapRoot, i, root.b)
	sw.add(secBitmaps, i, body)
	return nil
}
