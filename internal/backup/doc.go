// Package backup writes the files of a backup. A Target is the folder that takes them, or a folder in it; each part of the
// storage (the log, each tier) adds what it has, in its own way:
//
//	Link   a file that never changes again: a hard link where the file system can, a copy otherwise
//	Copy   the beginning of a file that goes on to be written
//	Write  a few bytes
//	FS     the file system of the backup, for who writes files by himself
//
// Whatever adds files syncs them; Sync makes their names durable. All calls of the file system that a Target makes ask first
// whether the backup is to go on, so that it can be ended at any time: once it has ended, no call changes anything any more.
// What the Target reads of the source it reads in pieces of bounded size.
package backup
