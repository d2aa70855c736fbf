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
// bitmap a value, and for a key its bloom filter and its index (sorted encoded keys → position). MayHave asks a filter for
// many keys at once, which takes a part of the time of as many Lookups. Select asks all of them
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
// On 2 virtual CPUs of AMD Zen 4, busy with other work: seconds of CPU, not of the clock. TPC-H's eight tables at scale factor 1
// (8,661,245 rows) take 243.4 MiB in all, with default options (TestBytesOnDisk); lineitem 27.7 bytes a row, of which 1.5 are
// the bloom filter of its key, which needs no index since the rows are in its order. lineitem at scale factor 0.1 (600,572 rows
// of 16 columns; BenchmarkWrite, BenchmarkScanCached, BenchmarkGet, BenchmarkEquality):
//
//	write          1.75 M rows a second of CPU; columns are encoded on as many processors as Options.Workers allows
//	scan           of cached columns, adding them up: 3.5 G values/s of integers of 4 bytes, 2.8 G over all columns; 50 ns a
//	               vector that nobody looks into. A mask with 1 % of the rows deleted takes 0.3 ns a row
//	row by key     10 k/s from the file (17 k uncompressed), 330 k/s from a warm cache; all 16 columns
//	absent key     1 µs from the file, 60 ns from a warm cache
//	equality       with one row in a thousand of a cached column: by bitmaps a fifth of the time of looking at all rows
//
// # Use
//
// A Writer takes batches in order and is finished once; it is used by one goroutine. Sync order is its own: Finish syncs
// both files and then their folder, and reports size and checksum of both for the log record that names them. A Segment
// is read by any number of goroutines; a Scan by one, who closes it unless Next has ended it. Memory of a Scan is bounded
// by its columns: a page, a buffer of read-ahead and a vector each. A Cache is shared by all segments; what it hands out
// stays while the Scan is at its zone.
//
// The package does not know tables, the log or deletions: see package columnar/deletion for those.
package segment
