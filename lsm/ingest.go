package lsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
)

// Sizes of batches that are nothing but new rows.
const (
	loadBytesMin, loadBytesMax = 1 << 20, 16 << 20
	// loadBytesPart is the part of the memory that one may have.
	loadBytesPart = 32
	// loadMemtables bounds it in memtables: where those are small, files are.
	loadMemtables = 2
	// ingestPart is the part of the bytes from which on one becomes files.
	ingestPart = 16
)

// loadBytes is the size from which on a batch that is nothing but new rows is handed to Pebble.
func (o *Options) loadBytes() int64 {
	n := max(loadBytesMin, min(loadBytesMax, o.MemoryBytes/loadBytesPart))
	return min(n, loadMemtables*o.MemtableBytes)
}

// loadEntry is where a batch has a key and its value. It has no pointers, which the collector of garbage would follow.
type loadEntry struct{ keyAt, keyBytes, valueAt, valueBytes uint32 }

func (e loadEntry) key(data []byte) []byte   { return data[e.keyAt : e.keyAt+e.keyBytes] }
func (e loadEntry) value(data []byte) []byte { return data[e.valueAt : e.valueAt+e.valueBytes] }

// entryBefore returns the entry whose key and value are what ends at a place in a batch.
func entryBefore(end int, key, value []byte) loadEntry {
	e := loadEntry{keyBytes: uint32(len(key)), valueAt: uint32(end - len(value)), valueBytes: uint32(len(value))}
	e.keyAt = e.valueAt - uint32(uvarintBytes(uint64(len(value)))) - e.keyBytes
	return e
}

// uvarintBytes is the length of an integer in base 128.
func uvarintBytes(x uint64) int { return (bits.Len64(x|1) + 6) / 7 }

// loadFile are the entries of one file, in order; prefix is what their keys begin with.
type loadFile struct {
	prefix  []byte
	entries []loadEntry
}

// loadFiles are the files that a batch becomes, of which data has the entries.
type loadFiles struct {
	data []byte
	list []*loadFile
}

// reset forgets the entries of the batch before. Their memory is kept for those of the next, where it was of use.
func (x *loadFiles) reset(data []byte) {
	x.data = data
	x.list = slices.DeleteFunc(x.list, func(f *loadFile) bool { return len(f.entries) == 0 })
	for _, f := range x.list {
		f.entries = f.entries[:0]
	}
}

// take takes a batch apart into entries for files that do not overlap: those of the tier and its tables, and of each kind of
// each incarnation. It reports whether the batch has nothing but new entries, each once.
func (x *loadFiles) take(b *pebble.Batch) (ok bool) {
	x.reset(b.Repr())
	r := b.Reader()
	for {
		kind, key, value, more, err := r.Next()
		if !more {
			ok = err == nil
			break
		}
		if kind != pebble.InternalKeyKindSet {
			return false
		}
		f := x.fileFor(key)
		f.entries = append(f.entries, entryBefore(len(x.data)-len(r), key, value))
	}
	for _, f := range x.list {
		ok = ok && f.sort(x.data)
	}
	return ok
}

// fileFor returns the file that a key goes to.
func (x *loadFiles) fileFor(key []byte) *loadFile {
	prefix := key[:0]
	if key[0] == spaceRows {
		prefix = key[:rowPrefixBytes]
	}
	for _, f := range x.list {
		if bytes.Equal(f.prefix, prefix) {
			return f
		}
	}
	f := &loadFile{prefix: bytes.Clone(prefix)}
	x.list = append(x.list, f)
	return f
}

// sort brings the entries in order; it reports whether every key is there once.
func (f *loadFile) sort(data []byte) bool {
	order := func(a, b loadEntry) int { return bytes.Compare(a.key(data), b.key(data)) }
	if !slices.IsSortedFunc(f.entries, order) {
		slices.SortFunc(f.entries, order)
	}
	for i := 1; i < len(f.entries); i++ {
		if order(f.entries[i-1], f.entries[i]) == 0 {
			return false
		}
	}
	return true
}

// ingests reports whether a batch becomes files at once, without a memtable and mostly without compactions: it is not small,
// and has nothing but new entries. They are in t.write.files then.
func (t *Tier) ingests(b *pebble.Batch) bool {
	small := b.Indexed() || t.o.ReadOnly || int64(b.Len()) < t.o.loadBytes()/ingestPart
	return !small && t.write.files.take(b)
}

// hand gives a batch to Pebble. It becomes files if that is what it is good for: they are taken over together, and are durable
// then. One of them has the mark, which every batch has, so that what came before is flushed first: what is durable is a
// prefix, as ever.
func (t *Tier) hand(b *pebble.Batch) error {
	size := int64(b.Len())
	if !t.ingests(b) {
		err := t.guard(func() error { return errors.Join(b.Commit(pebble.NoSync), b.Close()) })
		if err == nil {
			t.counts.wrote(t, size)
		}
		return err
	}
	t.write.loaded = int(size)
	db, files := t.db.Load(), &t.write.files
	err := t.files(func() error {
		var paths []string
		for _, f := range files.list {
			if len(f.entries) == 0 || len(f.prefix) == 0 && invariants.Mutant("lsm-ingest-without-mark") {
				continue
			}
			t.ingested++
			path := t.o.FS.PathJoin(t.o.Dir, fmt.Sprintf(ingestName, t.ingested))
			if err := t.writeFile(db, path, files.data, f.entries); err != nil {
				return err
			}
			paths = append(paths, path)
		}
		return errors.Join(db.Ingest(context.Background(), paths), b.Close())
	})
	if err == nil { // else a goroutine may still have them
		files.data = nil
	}
	return err
}

// ingestName is the name of a file that is being made: one that is left is removed when Pebble is opened.
const ingestName = "temporary.9%09d.dbtmp"

// writeFile makes a file of entries in order.
func (t *Tier) writeFile(db *pebble.DB, path string, data []byte, list []loadEntry) error {
	f, err := t.pebble.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), t.pebble.MakeWriterOptions(len(t.pebble.Levels)-1, db.TableFormat()))
	for _, e := range list {
		if err := w.Set(e.key(data), e.value(data)); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}
