// Package columnar is the tier of columnar tables: a delta of row memtables (package rowstore) before segments, which are
// Parquet files with a sidecar (package columnar/segment), less the rows that deletion vectors name (package
// columnar/deletion).
//
//	entries ─► memtable ─seal─► memtables ─flush─► segments ─compact─► segments
//	            newest                               └ deletion vectors ─┘
//
// # Parts
//
// What a table consists of at one moment is an immutable value, parts: memtables, newest first, and segments. Flush and
// compaction put new parts in place of old ones; a View goes on reading those that it was made with. Within the parts,
// rows come and go by LSN: memtables have begin and end LSNs, deletion vectors have LSNs.
//
// # Flush and compaction
//
// A memtable is sealed between two records of the log, at LSN F: all its rows began at or below F, those of younger ones
// above. A background job takes a View, the cut G, writes the sealed rows that live at G to segments, and appends a
// node-local record to the log. When that record is applied, in the order of the log, the segments take the memtable's
// place, and the rows that ended between G and this moment are put into the deletion vectors: publishing costs as much as
// there are such rows. Compaction does the same with segments in place of the memtable.
//
// Segments have levels: four of a level that may have one key in common become one level higher, in pieces of about the
// same size that cover a part of the keys each, so that later merges are of those that cover the same part.
//
// # Keys
//
// A key is looked for in the memtables, and then in each segment whose range and filter it passes. A batch of rows asks the
// filters for all its keys at once, ahead of the locks of these (Absent). Segments do not get rows: a key that none of them
// has is not looked for there again while they are the segments of the table. It is looked for in the memtables when its
// lock was granted, as always.
//
// # Loads
//
// A bulk load does not go through a memtable: its rows are gathered in runs, each of which is sorted and becomes a segment
// while the next one is filled. The files are durable before the commit, whose record names them; when it is applied,
// they become a part of the table, and their rows begin at its LSN, which is the cut of the segments. A load that does not
// commit removes its files, or an opening does. That no two rows have the same key is found within a run by its sorted
// keys, and between segments, and among other rows of the table, where the ranges of keys overlap; other writers are kept
// out meanwhile.
//
// # References
//
// A reference is a memtable's row number, or a segment's number with a position. When a row moves, who refers to it is
// a View from before, or a transaction that ended it and holds such a View; until the last of them is gone the old place
// stays readable, and a map leads from it to the new one (Moved).
//
// # Recovery
//
// A checkpoint writes the chunks of memtables that changed, and then a manifest: memtables, segments and their deletion
// vectors as of one LSN. Replay goes on from there without opening a segment: a row to delete that is in no memtable is
// noted with its key, and found when all records were read. A deletion at LSN L concerns the one segment that was cut
// below L, has the key, and in which it was not deleted before: cuts tell the versions of a key apart, since a row lives
// at the cut of its segment.
//
// # Invariants
//
//   - A row version is in one memtable or one segment of the parts, never in both.
//   - Every row of a segment lives at its cut, and no View that reads the segment is older than that.
//   - A deletion vector keeps the LSNs of deletions above the cut of a compaction that reads it.
//   - A segment is durable, with its folder, before the record that names it is written; a file is removed only when a
//     durable manifest is without it and no View has it.
//   - No file is synced before the log is durable up to what the file may contain.
package columnar
