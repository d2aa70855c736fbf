// Package wal is the log of a database: one ordered chain of records in preallocated, recycled
// files. Everything durable is a record here before it is anywhere else.
//
// # Two sequences, one chain
//
// A Position says where a record lies (epoch of its file, offset in it); every record has one. An
// LSN numbers the replicated kinds only (rows, schema changes, settings, sequence blocks, loads),
// because each node flushes and compacts on its own. The bytes of files and records are described
// in docs/format/wal.md.
//
// # Writing
//
// A Log is the append side of a group commit, which package txn drives:
//
//	Room -> Append, Append, ... -> Cut -> Write(batch, sync)
//
// Append copies a record into the open group and never fails, once Room has said that there is
// room: a full disk is met there, because files are written with zeros and synced ahead of use by
// a goroutine of the Log. Write does the I/O of one group; one goroutine at a time may be in it,
// and groups are written in the order in which they were cut. The first failed write or sync is
// final: the Log is poisoned, nothing is retried, and the way out is to open it again.
//
// A record that is larger than MaxRecord, or a write set too large to be held in memory, is
// written as chunk records (Stream) that the commit record names.
//
// # What proves damage
//
// The sectors of a group reach the disk in any order, so after a power loss a bad record may be
// followed by good ones: that is the tail, and it is cut. Each record therefore carries the
// position that was known to be durable when it was appended. A bad record below a durable
// position that any later intact record names is damage, reported with file and offset; nothing
// is opened then. A file's first byte is written only after its predecessor was synced, and its
// header names the predecessor's end, which cuts a recovered tail for good: a recovered file is
// never appended to.
//
// # Concurrency
//
// All methods of Log are safe for concurrent use, except that Write is called by one goroutine at
// a time. Log.mu is a leaf: nothing else is locked while it is held, and no I/O is done under it.
package wal
