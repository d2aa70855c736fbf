package txn

import (
	"slices"

	"github.com/laminadb/lamina/table"
)

const (
	bucketsMin = 16
	// holdersKeepMax is the capacity up to which a reused entry keeps its lists.
	holdersKeepMax = 16
)

// find returns the entry of a key, or nil.
func (sh *lockShard) find(k *Key) *lockEntry {
	if len(sh.buckets) == 0 {
		return nil
	}
	for e := *sh.bucket(k.hash); e != nil; e = e.next {
		if e.hash == k.hash && e.word == k.word && e.object == k.object && e.space == k.space && e.short == k.short &&
			(k.short != longKey || e.long == string(k.bytes)) {
			return e
		}
	}
	return nil
}

// bucket returns the head of the chain for a hash. The low bits chose the shard.
func (sh *lockShard) bucket(hash uint64) **lockEntry {
	return &sh.buckets[(hash/lockShards)&uint64(len(sh.buckets)-1)]
}

// insert adds an entry without holder for a key that is not there.
func (sh *lockShard) insert(k *Key) *lockEntry {
	if sh.count >= len(sh.buckets) {
		sh.resize(max(bucketsMin, 2*len(sh.buckets)))
	}
	e := sh.free
	if e != nil {
		sh.free = e.next
		sh.numFree--
	} else {
		e = &lockEntry{}
	}
	e.hash, e.object, e.word, e.space, e.short = k.hash, k.object, k.word, k.space, k.short
	if k.short == longKey {
		e.long = string(k.bytes)
	}
	head := sh.bucket(k.hash)
	e.next, *head = *head, e
	sh.count++
	return e
}

// remove takes an entry without holders and waiters out of the table.
func (sh *lockShard) remove(e *lockEntry) {
	p := sh.bucket(e.hash)
	for *p != e {
		p = &(*p).next
	}
	*p = e.next
	sh.count--
	if n := len(sh.buckets); n > 4096 && sh.count < n/8 {
		sh.resize(n / 4) // a large transaction has gone
	}
	if sh.numFree >= freeEntriesMax {
		return
	}
	e.long, e.barges = "", 0
	if e.more != nil && cap(e.more.holders)+cap(e.more.waiters) > holdersKeepMax {
		e.more = nil
	}
	e.next, sh.free = sh.free, e
	sh.numFree++
}

func (sh *lockShard) resize(n int) {
	old := sh.buckets
	sh.buckets = make([]*lockEntry, n)
	for _, e := range old {
		for e != nil {
			next := e.next
			head := sh.bucket(e.hash)
			e.next, *head = *head, e
			e = next
		}
	}
}

// modesOf returns the modes that an owner holds.
func (e *lockEntry) modesOf(o *Owner) modeSet {
	if e.owner == o {
		return e.modes
	}
	if e.more != nil {
		for i := range e.more.holders {
			if e.more.holders[i].owner == o {
				return e.more.holders[i].modes
			}
		}
	}
	return 0
}

// othersHold returns the modes that owners other than o hold.
func (e *lockEntry) othersHold(o *Owner) (s modeSet) {
	if e.owner != nil && e.owner != o {
		s = e.modes
	}
	if e.more != nil {
		for i := range e.more.holders {
			if e.more.holders[i].owner != o {
				s |= e.more.holders[i].modes
			}
		}
	}
	return s
}

// grant adds modes to what an owner holds.
func (e *lockEntry) grant(o *Owner, modes modeSet) {
	switch e.owner {
	case o:
		e.modes |= modes
		return
	case nil:
		e.owner, e.modes = o, modes
		return
	}
	if e.more == nil {
		e.more = &sharing{}
	}
	for i := range e.more.holders {
		if h := &e.more.holders[i]; h.owner == o {
			h.modes |= modes
			return
		}
	}
	e.more.holders = append(e.more.holders, holder{o, modes})
}

// revoke takes modes away from an owner. The place of the first holder is filled by another.
func (e *lockEntry) revoke(o *Owner, modes modeSet) {
	if e.owner == o {
		if e.modes &^= modes; e.modes != 0 {
			return
		}
		e.owner = nil
		if e.more != nil && len(e.more.holders) > 0 {
			last := len(e.more.holders) - 1
			e.owner, e.modes = e.more.holders[last].owner, e.more.holders[last].modes
			e.more.holders[last] = holder{}
			e.more.holders = e.more.holders[:last]
		}
		return
	}
	for i := range e.more.holders {
		if h := &e.more.holders[i]; h.owner == o {
			if h.modes &^= modes; h.modes == 0 {
				e.more.holders = slices.Delete(e.more.holders, i, i+1)
			}
			return
		}
	}
}

// target describes what the entry protects.
func (e *lockEntry) target() Target {
	t := Target{Space: e.space, Object: table.ObjectID(e.object)}
	if e.short == longKey {
		t.Key = []byte(e.long)
		return t
	}
	for i := range e.short {
		t.Key = append(t.Key, byte(e.word>>(8*i)))
	}
	return t
}
