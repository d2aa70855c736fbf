package lsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// loadEntry is a key and its value, in the memory of a batch.
type loadEntry struct{ key, value []byte }

// loadFile are the entries of one file, in order; prefix is what their keys begin with.
type loadFile struct {
	prefix  []byte
	entries []loadEntry
}

// filesOf takes a batch apart into entries for files that do not overlap: those of the tier and its tables, and of each kind of
// each incarnation. ok is false if it has anything but new entries, each once.
func filesOf(b *pebble.Batch) (files []*loadFile, ok bool) {
	r := b.Reader()
	for {
		kind, key, value, more, err := r.Next()
		if !more {
			ok = err == nil
			break
		}
		if kind != pebble.InternalKeyKindSet {
			return nil, false
		}
		f := fileFor(&files, key)
		f.entries = append(f.entries, loadEntry{key, value})
	}
	for _, f := range files {
		ok = ok && f.sort()
	}
	return files, ok
}

// fileFor returns the file that a key goes to.
func fileFor(files *[]*loadFile, key []byte) *loadFile {
	prefix := key[:0]
	if key[0] == spaceRows {
		prefix = key[:rowPrefixBytes]
	}
	for _, f := range *files {
		if bytes.Equal(f.prefix, prefix) {
			return f
		}
	}
	f := &loadFile{prefix: prefix}
	*files = append(*files, f)
	return f
}

// sort brings the entries in order; it reports whether every key is there once.
func (f *loadFile) sort() bool {
	order := func(a, b loadEntry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(f.entries, order) {
		slices.SortFunc(f.entries, order)
	}
	for i := 1; i < len(f.entries); i++ {
		if bytes.Equal(f.entries[i-1].key, f.entries[i].key) {
			return false
		}
	}
	return true
}

// ingests returns the files that a batch becomes at once, without a memtable and mostly without compactions; nil: it is small,
// or has more than new entries.
func (t *Tier) ingests(b *pebble.Batch) []*loadFile {
	if b.Indexed() || t.o.ReadOnly || int64(b.Len()) < t.o.loadBytes()/ingestPart {
		return nil
	}
	files, ok := filesOf(b)
	if !ok {
		return nil
	}
	return files
}

// hand gives a batch to Pebble. It becomes files if that is what it is good for: they are taken over together, and are durable
// then. One of them has the mark, which every batch has, so that what came before is flushed first: what is durable is a
// prefix, as ever.
func (t *Tier) hand(b *pebble.Batch) error {
	size := int64(b.Len())
	files := t.ingests(b)
	if files != nil && invariants.Mutant("lsm-ingest-without-mark") {
		files = slices.DeleteFunc(files, func(f *loadFile) bool { return len(f.prefix) == 0 })
	}
	if files == nil {
		err := t.guard(func() error { return errors.Join(b.Commit(pebble.NoSync), b.Close()) })
		if err == nil {
			t.counts.wrote(t, size)
		}
		return err
	}
	db := t.db.Load()
	return t.files(func() error {
		var paths []string
		for _, f := range files {
			t.ingested++
			path := t.o.FS.PathJoin(t.o.Dir, fmt.Sprintf(ingestName, t.ingested))
			if err := t.writeFile(db, path, f.entries); err != nil {
				return err
			}
			paths = append(paths, path)
		}
		return errors.Join(db.Ingest(context.Background(), paths), b.Close())
	})
}

// ingestName is the name of a file that is being made: one that is left is removed when Pebble is opened.
const ingestName = "temporary.9%09d.dbtmp"

// writeFile makes a file of entries in order.
func (t *Tier) writeFile(db *pebble.DB, path string, list []loadEntry) error {
	f, err := t.pebble.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), t.pebble.MakeWriterOptions(len(t.pebble.Levels)-1, db.TableFormat()))
	for i := range list {
		if err := w.Set(list[i].key, list[i].value); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}
