package segment

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// probeRows is how many buckets of a filter are on their way from memory at a time.
const probeRows = 64

// HashKeys appends what bloom filters know keys by to dst.
func HashKeys(dst []uint64, keys *table.Keys) []uint64 {
	for i := range keys.Len() {
		dst = append(dst, keyHash(keys.At(i)))
	}
	return dst
}

// probes ask the filter of a key for many values. The processor does not wait for one bucket after the other: the first
// words of several are read before any of them is looked at.
type probes struct {
	s      *Segment
	r      *keyReader
	hashes []uint64
	may    []bool
	// held are the parts of the filter that the cache has, by number; they go back at the end.
	held    []*entryOf
	n       int
	absent  int64
	words   [probeRows]uint32
	buckets [probeRows][]byte
	keys    [probeRows]int
}

// MayHave notes in may which keys of a list, with their hashes, the segment may have among those of key number k. Of those
// that may says already it does not ask.
func (s *Segment) MayHave(k int, keys *table.Keys, hashes []uint64, may []bool) error {
	p := probes{s: s, r: &s.keys[k], hashes: hashes, may: may}
	if s.cache != nil {
		p.held = make([]*entryOf, s.cache.bloomGroups(p.r))
	}
	defer p.end()
	for i := range hashes {
		if may[i] || !p.r.within(keys.At(i)) {
			continue
		}
		if err := p.add(i); err != nil {
			return err
		}
		if p.n == probeRows {
			p.look()
		}
	}
	p.look()
	return nil
}

// add reads the first word of the bucket of key i, if the cache has it; else it asks the file.
func (p *probes) add(i int) error {
	h := p.hash(i)
	bucket := bucketOf(h, p.r.buckets)
	if p.held == nil {
		return p.ask(i, bucket, h)
	}
	block, group := int(bucket/blockBuckets), p.s.cache.bloomGroup
	e := p.held[block/group]
	if e == nil {
		sl := p.r.blooms.at(block/group, len(p.held))
		if e = p.s.cache.acquire(sl); e == nil {
			return p.ask(i, bucket, h) // the next one may find it
		}
		p.held[block/group] = e
	}
	b := e.pieces[0].b[block%group*bloomBlock+int(bucket%blockBuckets)*bucketBytes:][:bucketBytes]
	p.words[p.n], p.buckets[p.n], p.keys[p.n] = le.Uint32(b), b, i
	p.n++
	return nil
}

func (p *probes) hash(i int) uint64 {
	if invariants.Mutant("bloom-other-key") && i > 0 {
		return p.hashes[i-1]
	}
	return p.hashes[i]
}

// ask asks for a single key.
func (p *probes) ask(i int, bucket uint32, h uint64) (err error) {
	p.may[i], err = p.s.askBloom(p.r, bucket, h)
	p.note(i)
	return err
}

// look asks the buckets whose first words were read.
func (p *probes) look() {
	for k, i := range p.keys[:p.n] {
		h := p.hash(i)
		p.may[i] = p.words[k]>>(uint32(h)*bloomSalt[0]>>27)&1 != 0 && inBucket(p.buckets[k], h)
		p.note(i)
	}
	p.n = 0
}

// note counts the keys that are not there: of the others there will be a look-up, which counts.
func (p *probes) note(i int) {
	if !p.may[i] {
		p.absent++
	}
}

func (p *probes) end() {
	for _, e := range p.held {
		if e != nil {
			p.s.cache.release(e)
		}
	}
	p.s.metrics.blooms.Add(p.absent)
	p.s.metrics.absent.Add(p.absent)
}
