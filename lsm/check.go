package lsm

import (
	"errors"
	"slices"
	"strings"
)

// check refuses files that lack what the last checkpoint made durable before Pebble changes any. Pebble takes the end of a damaged
// manifest for one that a power loss has torn, and where no marker names a manifest it begins anew: in both cases it would remove
// the files that the manifest should have named.
func (t *Tier) check() error {
	if t.o.Durable == 0 {
		return nil
	}
	names, err := t.o.FS.List(t.o.Dir)
	if err != nil {
		return pebbleError("list", err)
	}
	for _, marker := range []string{"marker.manifest", "marker.format-version"} {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, marker) }) {
			return corruptedf("LSM tree: there is no %s", marker)
		}
	}
	if t.o.ReadOnly { // nothing is changed
		return nil
	}
	o := t.o
	o.ReadOnly, o.Failed, o.BeforeSync, o.Tracker, o.MemoryBytes = true, nil, nil, nil, 1
	p, err := Open(o)
	if err != nil {
		return err
	}
	if p.opened.lsn < t.o.Durable {
		err = corruptedf("LSM tree, by %s: it is at LSN %d, but was durable up to %d", t.ManifestName(), p.opened.lsn, t.o.Durable)
	}
	return errors.Join(err, p.Close())
}
