package segment

import (
	"cmp"
	"context"
	"hash/crc32"
	"math"
	"slices"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Verify reads both files whole: every checksum, every page, every part of the sidecar, and whether they agree.
func (s *Segment) Verify(ctx context.Context) error {
	if err := s.verifySections(ctx); err != nil {
		return err
	}
	if err := s.verifyTiles(ctx); err != nil {
		return err
	}
	if err := s.verifyRows(ctx); err != nil {
		return err
	}
	return s.verifyKeys(ctx)
}

func (s *Segment) verifySections(ctx context.Context) error {
	for k := range s.dir {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, _, _, err := s.section(k.kind, int(k.arg)); err != nil {
			return err
		}
	}
	for i := range s.cols {
		if _, err := s.Sketch(i); err != nil {
			return err
		}
		if !s.HasBitmaps(i) {
			continue
		}
		root, err := s.bitmapRoot(i)
		if err != nil {
			return err
		}
		total := 0
		for code := range root {
			b, err := s.Bitmap(i, code)
			if err != nil {
				return err
			}
			total += int(b.GetCardinality())
		}
		if total != s.rows {
			return s.side.damaged(root[0].off, "bitmaps of %d rows", total)
		}
	}
	_, err := s.Sample()
	return err
}

// verifyTiles compares the checksums of all pieces of the Parquet file, which must cover it.
func (s *Segment) verifyTiles(ctx context.Context) error {
	d, e, err := s.need(secOthers, 0)
	if err != nil {
		return err
	}
	var tiles []tile
	for range d.count(6) {
		tiles = append(tiles, d.tile(int64(d.upTo(math.MaxInt64))))
	}
	if !d.end() {
		return s.malformed(e, "table of other pieces")
	}
	for i := range s.cols {
		for _, ch := range s.cols[i].chunks {
			if ch.dict != nil {
				tiles = append(tiles, *ch.dict)
			}
			for p := range ch.pages {
				tiles = append(tiles, ch.pages[p].tile)
			}
		}
	}
	slices.SortFunc(tiles, func(a, b tile) int { return cmp.Compare(a.off, b.off) })
	covered := int64(0)
	var buf []byte
	for _, t := range tiles {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.off != covered {
			return s.malformed(e, "tables of pages: they leave bytes out")
		}
		covered += int64(t.len)
		if buf = buf[:0]; cap(buf) < int(t.len) {
			if int64(t.len) > s.data.size {
				return s.malformed(e, "table of other pieces")
			}
			buf = make([]byte, t.len)
		}
		if err := s.data.read(buf[:t.len], t.off); err != nil {
			return err
		}
		if crc32.Checksum(buf[:t.len], castagnoli) != t.crc {
			return s.data.damaged(t.off, "wrong checksum")
		}
	}
	if covered != s.segBytes {
		return s.malformed(e, "tables of pages: they cover another number of bytes")
	}
	return nil
}

// verifyRows decodes everything and compares it with the zone maps.
func (s *Segment) verifyRows(ctx context.Context) error {
	cols := make([]int, len(s.cols))
	for i := range cols {
		cols[i] = i
	}
	sc, err := s.withoutCache().Scan(ScanSpec{Cols: cols})
	if err != nil {
		return err
	}
	for sc.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range cols {
			v, err := sc.Column(i)
			if err != nil {
				return err
			}
			if what := s.disagrees(v, i, sc.zone); what != "" {
				return s.data.damaged(s.pageOf(i, sc.zone).off, "column %q does not agree with its zone map: %s", s.schema.Columns[i].Name, what)
			}
		}
	}
	return nil
}

// withoutCache returns the segment with the same files and tables, and no cache.
func (s *Segment) withoutCache() *Segment {
	return &Segment{name: s.name, schema: s.schema, layouts: s.layouts, rows: s.rows, zoneRows: s.zoneRows,
		segBytes: s.segBytes, data: s.data, side: s.side, dir: s.dir, groups: s.groups, cols: s.cols, keys: s.keys, codecs: s.codecs}
}

func (s *Segment) pageOf(i, z int) *page {
	g := s.groupOf(z)
	return &s.cols[i].chunks[g].of(z - s.groups[g].zone)[0]
}

func (s *Segment) disagrees(v *vec.Vector, i, z int) string {
	zn, l := &s.cols[i].zones[z], &s.layouts[i]
	nulls := 0
	var last types.Datum
	for r := range v.N {
		if v.IsNull(r) {
			nulls++
			continue
		}
		d := v.Datum(r)
		for _, op := range []Compare{Eq, Le, Ge} {
			if zn.excludes(l, &Condition{Col: i, Op: op, Value: d}) {
				return "a value lies outside"
			}
		}
		if zn.flags&zoneAscending != 0 && last.Valid && types.Compare(last, d) > 0 {
			return "it does not ascend"
		}
		last = d
	}
	if nulls != int(zn.nulls) {
		return "number of NULLs"
	}
	return ""
}

// verifyKeys checks that each key index is in order, and that its bloom filter knows all of its keys.
func (s *Segment) verifyKeys(ctx context.Context) error {
	for k := range s.keys {
		r := &s.keys[k]
		if r.clustered {
			if err := s.verifyClustered(ctx, k); err != nil {
				return err
			}
			continue
		}
		var last []byte
		for b := range r.seps {
			if err := ctx.Err(); err != nil {
				return err
			}
			block, err := s.indexBlock(k, b)
			if err != nil {
				return err
			}
			for i := range block.pos {
				key := block.at(i)
				if string(last) > string(key) || string(key) < string(r.seps[b]) {
					return s.side.damaged(r.offs[b], "keys out of order")
				}
				if err := s.checkBloom(k, key); err != nil {
					return err
				}
				last = key
			}
		}
	}
	return nil
}
