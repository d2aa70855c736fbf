// Package waltest breaks storage on purpose: CrashFS is a file system in memory that loses power at
// any moment, tears writes at the size of a disk sector, and fails any call it is told to.
package waltest

import (
	"maps"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// SectorBytes is what a disk writes whole or not at all.
const SectorBytes = 512

// OpKind is a kind of call to a file system.
type OpKind string

// The kinds. A hook sees them before they happen.
const (
	OpCreate  OpKind = "create"
	OpWrite   OpKind = "write"
	OpSync    OpKind = "sync"
	OpRename  OpKind = "rename"
	OpLink    OpKind = "link" // Path is the new name
	OpRemove  OpKind = "remove"
	OpSyncDir OpKind = "syncdir"
	OpOpen    OpKind = "open"
	OpRead    OpKind = "read"
	OpMkdir   OpKind = "mkdir"
	OpOpenDir OpKind = "opendir"
	OpList    OpKind = "list"
	OpStat    OpKind = "stat"
	OpLock    OpKind = "lock"
	OpClose   OpKind = "close" // of a file that is open for writing
)

// Op is one call. Off and Len are those of a write.
type Op struct {
	Kind OpKind
	Path string
	Off  int
	Len  int
}

// CrashFS is a vfs.FS in memory that knows which sectors and which names, those of directories too,
// are durable. It is safe for concurrent use.
type CrashFS struct {
	*vfs.MemFS
	mu     sync.Mutex
	files  map[string]*content // as a running process sees them
	stable map[string]*content // as the disk has them
	// folders are the directories whose own name is durable.
	folders map[string]bool
	names   []nameOp // since the last sync of their directory
	hook    func(Op) error
	counts  map[OpKind]int
	// space bounds the bytes of all files; negative: no bound.
	space int
}

// nameOp is a change of a directory: a name that goes, a name that comes. The name is that of a
// directory if file is nil.
type nameOp struct {
	dir      string
	from, to string
	file     *content
}

// content is a file: what was written, what of it is on disk, and for each sector written since the
// last sync all that was written to it.
type content struct {
	data, stable []byte
	dirty        map[int][][]byte
}

var _ vfs.FS = (*CrashFS)(nil)

// NewCrashFS returns an empty file system.
func NewCrashFS() *CrashFS {
	return &CrashFS{
		MemFS: vfs.NewMem(), files: map[string]*content{}, stable: map[string]*content{},
		folders: map[string]bool{}, counts: map[OpKind]int{}, space: -1,
	}
}

// SetHook makes f see every call before it happens; nil sees none. If f returns an error the call
// fails with it; a write that fails so has been done in part.
func (fs *CrashFS) SetHook(f func(Op) error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.hook = f
}

// Count returns how many calls of a kind there were.
func (fs *CrashFS) Count(k OpKind) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.counts[k]
}

func (fs *CrashFS) before(kind OpKind, path string) error {
	return fs.beforeOp(Op{Kind: kind, Path: path})
}

func (fs *CrashFS) beforeOp(op Op) error {
	fs.mu.Lock()
	hook := fs.hook
	fs.counts[op.Kind]++
	fs.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(op)
}

// SetSpace bounds the bytes that all files may have: a write that would need more is ENOSPC, done as
// far as there is room. Negative: no bound.
func (fs *CrashFS) SetSpace(bytes int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.space = bytes
}

// Used returns the bytes of all files.
func (fs *CrashFS) Used() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.usedLocked()
}

func (fs *CrashFS) usedLocked() (n int) {
	seen := map[*content]bool{} // one may have several names
	for _, c := range fs.files {
		if !seen[c] {
			seen[c] = true
			n += len(c.data)
		}
	}
	return n
}

// roomLocked returns how many of the n bytes at off the disk can take.
func (fs *CrashFS) roomLocked(c *content, off, n int) int {
	grow := off + n - len(c.data)
	if fs.space < 0 || grow <= 0 {
		return n
	}
	return max(0, n-max(0, grow-max(0, fs.space-fs.usedLocked())))
}

// Crash returns what a power loss at this moment leaves: everything that was synced, and of the
// rest each sector and each change of a name with a probability of percent in 100.
func (fs *CrashFS) Crash(rng *rand.Rand, percent int) *CrashFS {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	names, folders := maps.Clone(fs.stable), maps.Clone(fs.folders)
	for _, op := range fs.names {
		if rng.IntN(100) < percent {
			op.apply(names, folders)
		}
	}
	out := NewCrashFS()
	for name := range folders {
		if fs.reachable(name, folders) {
			out.addFolder(name)
		}
	}
	for _, name := range sortedKeys(names) {
		c := names[name].crash(rng, percent)
		if fs.reachable(fs.PathDir(name), folders) {
			out.put(name, c)
		}
	}
	return out
}

// reachable reports whether the names of a directory and of all above it are in folders.
func (fs *CrashFS) reachable(dir string, folders map[string]bool) bool {
	for ; !fs.isRoot(dir); dir = fs.PathDir(dir) {
		if !folders[dir] {
			return false
		}
	}
	return true
}

func (fs *CrashFS) isRoot(dir string) bool { return dir == "" || dir == "." || dir == fs.PathDir(dir) }

// addFolder makes a directory whose name is durable.
func (fs *CrashFS) addFolder(name string) {
	_ = fs.MemFS.MkdirAll(name, 0o755)
	for ; !fs.isRoot(name); name = fs.PathDir(name) {
		fs.folders[name] = true
	}
}

// Kill returns what the end of the process alone leaves: all that was written, as unsynced as
// it was.
func (fs *CrashFS) Kill() *CrashFS {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := NewCrashFS()
	copies := map[*content]*content{}
	for _, c := range fs.files {
		copies[c] = c.clone()
	}
	for _, c := range fs.stable {
		if copies[c] == nil {
			copies[c] = c.clone()
		}
	}
	for _, name := range fs.foldersLocked() {
		out.addFolder(name)
	}
	for name, c := range fs.files {
		out.put(name, copies[c])
	}
	out.folders = maps.Clone(fs.folders)
	clear(out.stable)
	for name, c := range fs.stable {
		out.stable[name] = copies[c]
	}
	for _, op := range fs.names {
		if op.file != nil && copies[op.file] == nil {
			copies[op.file] = op.file.clone()
		}
		op.file = copies[op.file]
		out.names = append(out.names, op)
	}
	return out
}

// foldersLocked returns all directories, those whose names are not durable too.
func (fs *CrashFS) foldersLocked() []string {
	folders, none := maps.Clone(fs.folders), map[string]*content{}
	for _, op := range fs.names {
		if op.file == nil {
			op.apply(none, folders)
		}
	}
	return sortedKeys(folders)
}

// put adds a file; its name and what it says is stable are durable.
func (fs *CrashFS) put(name string, c *content) {
	fs.addFolder(fs.PathDir(name))
	fs.files[name], fs.stable[name] = c, c
	f, err := fs.MemFS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		panic(err) // a file system in memory does not fail
	}
	if len(c.data) > 0 {
		_, _ = f.Write(append([]byte(nil), c.data...))
	}
	_ = f.Close()
}

func (op *nameOp) apply(names map[string]*content, folders map[string]bool) {
	if op.from != "" {
		delete(names, op.from)
		delete(folders, op.from)
	}
	switch {
	case op.to != "" && op.file == nil:
		folders[op.to] = true
	case op.to != "":
		names[op.to] = op.file
	}
}

func (c *content) clone() *content {
	out := &content{data: append([]byte(nil), c.data...), stable: append([]byte(nil), c.stable...)}
	for s, versions := range c.dirty {
		out.mark(s, versions...)
	}
	return out
}

func (c *content) mark(sector int, versions ...[]byte) {
	if c.dirty == nil {
		c.dirty = map[int][][]byte{}
	}
	c.dirty[sector] = append(c.dirty[sector], versions...)
}

// crash returns the content after a power loss.
func (c *content) crash(rng *rand.Rand, percent int) *content {
	b := append([]byte(nil), c.stable...)
	for _, s := range sortedKeys(c.dirty) {
		if rng.IntN(100) >= percent {
			continue
		}
		versions := c.dirty[s]
		v := versions[len(versions)-1]
		if rng.IntN(4) == 0 {
			v = versions[rng.IntN(len(versions))]
		}
		if end := s*SectorBytes + len(v); end > len(b) {
			b = append(b, make([]byte, end-len(b))...)
		}
		copy(b[s*SectorBytes:], v)
	}
	return &content{data: b, stable: append([]byte(nil), b...)}
}

// write notes what was written; nothing of it is durable yet.
func (c *content) write(b []byte, off int) {
	if len(b) == 0 {
		return
	}
	if end := off + len(b); end > len(c.data) {
		c.data = append(c.data, make([]byte, end-len(c.data))...)
	}
	copy(c.data[off:], b)
	for s := off / SectorBytes; s*SectorBytes < off+len(b); s++ {
		c.mark(s, append([]byte(nil), c.data[s*SectorBytes:min((s+1)*SectorBytes, len(c.data))]...))
	}
}

func (c *content) sync() {
	if grow := len(c.data) - len(c.stable); grow > 0 {
		c.stable = append(c.stable, make([]byte, grow)...)
	}
	for s := range c.dirty {
		copy(c.stable[s*SectorBytes:], c.data[s*SectorBytes:min((s+1)*SectorBytes, len(c.data))])
	}
	clear(c.dirty)
}

// Dirty reports whether a sector of a file was written since the file was last synced.
func (fs *CrashFS) Dirty(name string, sector int) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.files[name].dirty[sector]) > 0
}

// CrashLosing returns what a power loss leaves that comes when everything has reached the disk but
// one sector of one file.
func (fs *CrashFS) CrashLosing(name string, sector int) *CrashFS {
	fs = fs.Kill()
	delete(fs.files[name].dirty, sector)
	return fs.Crash(rand.New(rand.NewPCG(0, 0)), 100)
}
