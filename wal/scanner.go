package wal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// foundFile is a file of the log's directory.
type foundFile struct {
	name   string
	epoch  uint32
	size   int64
	header fileHeader
	intact bool // the header is intact
	valid  bool // and of this epoch
}

type foundFiles struct {
	logs  []foundFile // by epoch
	temps []string    // files whose preparation did not end
}

// scan reads a log from a position to its end and tells damage from tail.
type scan struct {
	fs    vfs.FS
	dir   string
	from  Position
	files []foundFile
	// strict: all from `from` on must be there. Otherwise the scan begins at the oldest file from
	// which the chain is whole.
	strict bool
	id     ID
	yield  func(*Record) error
	all    bool // yield chunks and marks too
	secure func(name string, b []byte, from, to uint32) error

	seed    uint32
	linked  []uint32 // epochs of the files that are part of the log, in order
	chain   uint32
	nextLSN table.LSN
	proven  Position
	streams []streamRef
	buf     []byte
	chunks  *chunkReader
	info    RecoveryInfo
	report  func(FileReport)
}

// streamRef is a record with the chunks that it needs.
type streamRef struct {
	chunks []Position
	end    Position
}

// listFiles finds the files of a log and reads their headers.
func listFiles(fs vfs.FS, dir string) (found foundFiles, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return found, ioError("list", dir, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			found.temps = append(found.temps, name)
			continue
		}
		epoch, ok := parseFileName(name)
		if !ok {
			continue
		}
		f, err := inspectFile(fs, dir, name, epoch)
		if err != nil {
			return found, err
		}
		found.logs = append(found.logs, f)
	}
	slices.SortFunc(found.logs, func(a, b foundFile) int { return cmp.Compare(a.epoch, b.epoch) })
	return found, nil
}

func inspectFile(fs vfs.FS, dir, name string, epoch uint32) (foundFile, error) {
	out := foundFile{name: name, epoch: epoch}
	f, err := fs.Open(fs.PathJoin(dir, name))
	if err != nil {
		return out, ioError("open", name, err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return out, ioError("stat", name, err)
	}
	out.size = st.Size()
	var b [fileHeaderBytes]byte
	if out.size < fileHeaderBytes {
		return out, nil
	}
	if err := readFull(f, b[:], 0); err != nil {
		return out, ioError("read", name, err)
	}
	h, ok := parseFileHeader(b[:])
	out.header, out.intact, out.valid = h, ok, ok && h.epoch == epoch
	return out, nil
}

// run does the scan.
func (s *scan) run() error {
	s.chunks = &chunkReader{fs: s.fs, dir: s.dir}
	defer s.chunks.close()
	last, err := s.identify()
	if err != nil {
		return err
	}
	s.seed = s.id.seed()
	s.chunks.seed = s.seed
	proof, unusable, err := s.proofAfter(last)
	if err != nil {
		return err
	}
	if unusable != nil {
		return &DamageError{unusable.name, 0, "the file's header is not intact, but records after it prove that it was"}
	}
	if last < 0 {
		return s.empty()
	}
	if err := s.link(last); err != nil {
		return err
	}
	return s.readLinked(last, proof)
}

// isLinked reports whether the file of an epoch is part of the log.
func (s *scan) isLinked(epoch uint32) bool { return slices.Contains(s.linked, epoch) }

// empty handles a directory without any record.
func (s *scan) empty() error {
	s.nextLSN = 1
	if s.from != 0 {
		return &DamageError{fileName(s.from.Epoch()), int64(s.from.Offset()),
			"the log is missing, but a checkpoint refers to this position"}
	}
	s.info.Created, s.info.Sealed = true, true
	return nil
}

// identify finds the last file with an intact header and checks whose log it is.
func (s *scan) identify() (last int, err error) {
	last = -1
	for i := range s.files {
		f := &s.files[i]
		if !f.valid {
			continue
		}
		if f.header.version > formatVersion {
			return 0, sqlerr.Newf(sqlerr.FeatureNotSupported,
				"log file %s has format version %d, this program reads up to %d", f.name, f.header.version, formatVersion)
		}
		if s.id == (ID{}) {
			s.id = f.header.id
		}
		if f.header.id != s.id {
			return 0, sqlerr.Newf(sqlerr.DataCorrupted, "log file %s belongs to another database", f.name)
		}
		last = i
	}
	for i := range s.files {
		if f := &s.files[i]; f.intact && f.header.id == s.id && f.header.epoch > f.epoch {
			return 0, &DamageError{f.name, 0, "it has the header of a later file: what is prepared for use holds earlier ones"}
		}
	}
	return last, nil
}

// proofAfter looks at the files after the last one with an intact header. Their first group may
// have been torn; but a record in them that names a durable position inside them proves that
// the header was once there. Otherwise it returns the highest durable position they name.
func (s *scan) proofAfter(last int) (proof Position, unusable *foundFile, err error) {
	for i := last + 1; i < len(s.files); i++ {
		f := &s.files[i]
		b, err := s.load(f)
		if err != nil {
			return 0, nil, err
		}
		p, _ := s.evidence(b, f.epoch, 0)
		begin := NewPosition(f.epoch, 0)
		if p > begin || s.from > begin && s.from.Epoch() == f.epoch {
			return 0, f, nil
		}
		proof = max(proof, p)
	}
	return proof, nil, nil
}

// link collects the chain of files that ends with the last one and reaches back to s.from, and
// further back as far as files are there.
func (s *scan) link(last int) error {
	cur := &s.files[last]
	s.linked = []uint32{cur.epoch}
	if s.from.Epoch() > cur.epoch {
		return &DamageError{cur.name, cur.size, "the log ends before the position of a checkpoint, " + s.from.String()}
	}
	for cur.header.prev != 0 {
		needed := s.strict && (s.from == 0 || s.from.Epoch() < cur.epoch)
		i := slices.IndexFunc(s.files, func(f foundFile) bool { return f.epoch == cur.header.prev.Epoch() })
		if i < 0 || !s.files[i].valid {
			if !needed && (i < 0 || s.strict) {
				break
			}
			if i < 0 {
				return &DamageError{fileName(cur.header.prev.Epoch()), 0, "the file is missing"}
			}
			return &DamageError{s.files[i].name, 0, "the file's header is not intact"}
		}
		cur = &s.files[i]
		s.linked = append(s.linked, cur.epoch)
	}
	slices.Reverse(s.linked)
	if s.from != 0 && !slices.Contains(s.linked, s.from.Epoch()) {
		return &DamageError{fileName(s.from.Epoch()), int64(s.from.Offset()), "the file is missing"}
	}
	return nil
}

// readLinked reads the linked files in order, from that of s.from on.
func (s *scan) readLinked(last int, proof Position) error {
	first := true
	for n, epoch := range s.linked {
		if epoch < s.from.Epoch() {
			continue
		}
		i := slices.IndexFunc(s.files, func(f foundFile) bool { return f.epoch == epoch })
		f := &s.files[i]
		if first {
			first = false
			s.nextLSN, s.info.LastTime = f.header.nextLSN, f.header.time
		} else if err := s.checkLink(f); err != nil {
			return err
		}
		b, err := s.load(f)
		if err != nil {
			return err
		}
		if i == last {
			return s.readLast(f, b, proof)
		}
		next := slices.IndexFunc(s.files, func(g foundFile) bool { return g.epoch == s.linked[n+1] })
		if err := s.readWhole(f, b, s.files[next].header.prev.Offset()); err != nil {
			return err
		}
	}
	return nil
}

// checkLink compares a header with the end of the file before it.
func (s *scan) checkLink(f *foundFile) error {
	if invariants.Mutant("wal-ignore-chain") {
		return nil
	}
	if f.header.chain != s.chain {
		return &DamageError{f.name, 0, "the file does not continue the one before it"}
	}
	if f.header.nextLSN != s.nextLSN || f.header.time != s.info.LastTime {
		return &DamageError{f.name, 0, fmt.Sprintf("the file begins at LSN %d, the one before it ends before %d",
			f.header.nextLSN, s.nextLSN)}
	}
	return nil
}

// load reads a whole file.
func (s *scan) load(f *foundFile) ([]byte, error) {
	if f.size > FileBytesMax {
		return nil, &DamageError{f.name, f.size, "the file is larger than any log file"}
	}
	h, err := s.fs.Open(s.fs.PathJoin(s.dir, f.name), vfs.SequentialReadsOption)
	if err != nil {
		return nil, ioError("open", f.name, err)
	}
	defer func() { _ = h.Close() }()
	s.buf = slices.Grow(s.buf[:0], int(f.size))[:f.size]
	if err := readFull(h, s.buf, 0); err != nil {
		return nil, ioError("read", f.name, err)
	}
	return s.buf, nil
}

// readWhole reads a file up to the end that its successor's header names.
func (s *scan) readWhole(f *foundFile, b []byte, limit uint32) error {
	if int64(limit) > int64(len(b)) || limit < fileHeaderBytes {
		return &DamageError{f.name, int64(len(b)), fmt.Sprintf("the file is shorter than the end at %d", limit)}
	}
	end, reason, err := s.verify(f, b[:limit])
	if err != nil {
		return err
	}
	if end != limit {
		return &DamageError{f.name, int64(end), reason + ", and the next file proves that it was intact"}
	}
	return s.replay(f, b, end)
}

// readLast reads the last file up to the first record that is not intact, and decides whether that
// is damage.
func (s *scan) readLast(f *foundFile, b []byte, proof Position) error {
	end, reason, err := s.verify(f, b)
	if err != nil {
		return err
	}
	pos := NewPosition(f.epoch, end)
	after, found := s.evidence(b, f.epoch, end)
	proof = max(proof, after)
	if invariants.Mutant("wal-ignore-proof") {
		proof = 0
	}
	if proof > pos {
		return &DamageError{f.name, int64(end), reason + ", and a later record proves that it was intact"}
	}
	if s.from > pos {
		return &DamageError{f.name, int64(end), reason + ", and a checkpoint at " + s.from.String() +
			" proves that it was intact"}
	}
	s.info.Cut = found
	s.info.Unproven = max(0, int64(pos)-int64(max(s.proven, NewPosition(f.epoch, 0))))
	if s.secure != nil {
		if err := s.secure(f.name, b, max(s.proven, NewPosition(f.epoch, 0)).Offset(), end); err != nil {
			return err
		}
	}
	return s.replay(f, b, end)
}

// evidence returns the highest durable position that an intact record at or after off names, and
// whether there is one. That it is intact proves nothing about its neighbours, whose sectors may
// have been lost.
func (s *scan) evidence(b []byte, epoch, off uint32) (proof Position, found bool) {
	off = max(off, fileHeaderBytes)
	for ; int64(off)+recordHeaderBytes <= int64(len(b)); off += recordAlign {
		pos := NewPosition(epoch, off)
		if Position(le.Uint64(b[off+8:])) != pos {
			continue
		}
		if h, ok := parseRecordHeader(b[off:], s.seed, pos); ok {
			proof, found = max(proof, h.durable), true
		}
	}
	return proof, found
}

// verify checks the records of a file and returns the offset of the first that is not intact, and
// why it is not. An intact record that contradicts those before it is an error.
func (s *scan) verify(f *foundFile, b []byte) (end uint32, reason string, err error) {
	s.chain = f.header.sum
	off := uint32(fileHeaderBytes)
	for {
		h, size, reason := s.check(f, b, off)
		if reason != "" {
			return off, reason, nil
		}
		if err := s.checkSequence(f, &h); err != nil {
			return off, "", err
		}
		s.chain = h.sum
		s.proven = max(s.proven, h.durable)
		off += size
	}
}

// check looks at the record at off. An empty reason means that it is intact.
func (s *scan) check(f *foundFile, b []byte, off uint32) (h recordHeader, size uint32, reason string) {
	rest := b[min(int64(off), int64(len(b))):]
	h, ok := parseRecordHeader(rest, s.seed, NewPosition(f.epoch, off))
	if !ok {
		return h, 0, "there is no intact record header"
	}
	if recordBytes(h.length) > int64(len(rest)) {
		return h, 0, "the record is longer than the file"
	}
	if h.prev != s.chain && !invariants.Mutant("wal-ignore-chain") {
		return h, 0, "the record does not continue the chain"
	}
	n := recordBytes(h.length)
	payloadEnd := recordHeaderBytes + int64(h.length)
	if PayloadSum(rest[recordHeaderBytes:payloadEnd]) != h.payloadSum {
		return h, 0, "the checksum of the record's payload does not match"
	}
	for _, c := range rest[payloadEnd:n] {
		if c != 0 {
			return h, 0, "the record's padding is not zero"
		}
	}
	return h, uint32(n), ""
}

// checkSequence checks what an intact record says against those before it.
func (s *scan) checkSequence(f *foundFile, h *recordHeader) error {
	damage := func(format string, args ...any) error {
		return &DamageError{f.name, int64(h.pos.Offset()), fmt.Sprintf(format, args...)}
	}
	if !h.kind.Known() {
		return sqlerr.Newf(sqlerr.FeatureNotSupported,
			"log file %s has a record of unknown %v at offset %d, written by a newer version", f.name, h.kind, h.pos.Offset())
	}
	if h.durable > h.pos {
		return damage("the record names a durable position after itself, %v", h.durable)
	}
	if !h.kind.Replicated() {
		if h.lsn != 0 {
			return damage("a record of kind %v has LSN %d", h.kind, h.lsn)
		}
		return nil
	}
	if h.lsn != s.nextLSN {
		return damage("the record has LSN %d instead of %d", h.lsn, s.nextLSN)
	}
	if h.time <= s.info.LastTime {
		return damage("the record's commit timestamp does not exceed the one before it")
	}
	s.nextLSN++
	s.info.LastTime = h.time
	return nil
}

// replay hands out the verified records of a file, and notes where the log ends so far.
func (s *scan) replay(f *foundFile, b []byte, end uint32) error {
	s.info.Files++
	report := FileReport{Name: f.name, Epoch: f.epoch, Bytes: f.size, End: end}
	for off := uint32(fileHeaderBytes); off < end; {
		pos := NewPosition(f.epoch, off)
		h, _ := parseRecordHeader(b[off:], s.seed, pos)
		size := uint32(recordBytes(h.length))
		report.Records++
		s.info.Sealed = h.kind == Mark
		if pos < s.from && pos+Position(size) > s.from {
			return &DamageError{f.name, int64(off), "a checkpoint refers to " + s.from.String() + ", inside of this record"}
		}
		if pos >= s.from {
			s.info.Records++
			s.info.Bytes += int64(size)
			if err := s.hand(f, &h, b[off+recordHeaderBytes:off+recordHeaderBytes+h.length], size); err != nil {
				return err
			}
		}
		off += size
	}
	s.info.End = NewPosition(f.epoch, end)
	s.info.LastLSN = s.nextLSN - 1
	if s.report != nil {
		s.report(report)
	}
	return nil
}

// hand gives one record to the caller.
func (s *scan) hand(f *foundFile, h *recordHeader, payload []byte, size uint32) error {
	if s.yield == nil || !s.all && (h.kind == Chunk || h.kind == Mark) {
		return nil
	}
	r := Record{
		Kind: h.kind, Pos: h.pos, End: h.pos + Position(size), Durable: h.durable, LSN: h.lsn, Time: h.time,
		Payload: payload, reader: s.chunks,
	}
	if err := r.resolve(f.name, h.flags); err != nil {
		return err
	}
	if h.flags&flagStream != 0 {
		s.streams = append(s.streams, streamRef{r.listed, r.End})
	}
	return s.yield(&r)
}

// resolve takes the list of chunks out of the payload, and joins the chunks of a split record.
func (r *Record) resolve(file string, flags uint8) error {
	if flags&flagStream == 0 {
		return nil
	}
	chunks, rest, ok := parseChunkList(r.Payload)
	if !ok {
		return &DamageError{file, int64(r.Pos.Offset()), "the list of chunks is malformed"}
	}
	r.listed, r.Payload = chunks, rest
	if flags&flagSplit != 0 {
		return r.join()
	}
	r.Chunks = chunks
	return nil
}

// join puts the payload of a split record together again.
func (r *Record) join() error {
	var whole, buf []byte
	for _, pos := range r.listed {
		b, err := r.reader.read(pos, buf)
		if err != nil {
			return err
		}
		whole, buf = append(whole, b...), b
	}
	r.Payload = append(whole, r.Payload...)
	return nil
}
