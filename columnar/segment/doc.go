// Package segment writes and reads the files of the columnar tier: a segment is one immutable Parquet file of up to about
// a million rows, sorted by a key, with one sidecar file beside it that only Lamina reads.
//
// # Two files
//
//	NAME.parquet   the rows. Any Parquet reader can open it: field IDs, statistics, page index.
//	NAME.sidecar   what finds them fast, and checksums of every byte of both files.
//
// The sidecar is not optional: it says where each page lies, what it must hash to, and the values that Parquet cannot
// hold (NaN in a numeric(p,s); foreign readers see NULL there). docs/format/segment.md and docs/format/sidecar.md have
// the bytes.
//
//	row group   about 128 K rows ─┐
//	zone        2,048 rows ───────┤ a page never crosses the end of a zone, and a zone is one vector of rows;
//	page        one column of a zone, or a part of it if its values are long
//
// # Finding rows
//
// A row's position is its ordinal in the segment, and never changes. What narrows the positions to look at, from cheap
// to dear, is: zone maps (bounds and NULL counts of each column, for each zone), for columns of few values one roaring
// bitmap a value, and for a key its bloom filter and its index (sorted encoded keys → position). Select asks all of them
// for a list of table.Conjuncts, and says of each whether the rows that it leaves all meet it. A Scan takes a Selection,
// or a set of positions, and the rows that live, and touches the pages of the zones that have one of them, column by
// column, as they are asked for.
//
// # Invariants
//
//   - Positions 0 … rows-1 in the order of the rows that were appended; each zone but the last has exactly zoneRows rows,
//     and each row group but the last a multiple of them.
//   - No byte that came from a file is decoded before its checksum was compared: pages by the sidecar's table of pages,
//     parts of the sidecar by its directory or by their block's checksum. A difference is a table.DamageError with
//     file and offset. A checksum that matches beside contents that do not is reported likewise; nothing panics.
//   - Zone maps are bounds: a zone that they exclude has no match. They may be wider than the values of the zone.
//   - A dictionary is sorted and of the whole segment; the codes of a vector index it, whatever row group they are from.
//   - A key index holds every row whose key has no NULL; a bloom filter answers yes for every key in its index.
//
// # Costs
//
// TPC-H's lineitem at scale factor 0.1 (600,572 rows of 16 columns, key of two columns, 2 virtual CPUs of AMD Zen 4, busy with
// other work: seconds of CPU, not of the clock; BenchmarkWrite, BenchmarkScan, BenchmarkGet):
//
//	bytes a row    122.6 as text; segment 42.7 uncompressed, 24.8 snappy, 23.9 zstd-1; sidecar 24.0, of which 16.8 are the
//	               bitmaps of eleven columns, and 6.9 index and bloom filter of the key
//	write          0.85 M rows/s with bitmaps, 1.0 M without
//	scan           280 M values/s over all columns, 40 M of l_comment
//	row by key     10 k/s from the file (16 k uncompressed), 150 k/s from a warm cache; all 16 columns
//	position       200 k/s from the file; an absent key 1 µs
//
// # Use
//
// A Writer takes batches in order and is finished once; it is used by one goroutine. Sync order is its own: Finish syncs
// both files and then their folder, and reports size and checksum of both for the log record that names them. A Segment
// is read by any number of goroutines; a Scan by one. Memory of a Scan is bounded by its columns: a page, a
// buffer of read-ahead and a vector each.
//
// The package does not know tables, the log or deletions: see package columnar/deletion for those.
package segment
