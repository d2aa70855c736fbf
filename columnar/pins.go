package columnar

import (
	"slices"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// pins are LSNs above which deletion vectors keep when a row was deleted, though no View is so old: those of the cuts of
// compactions.
type pins struct {
	sync.Mutex
	list []table.LSN
}

// add pins an LSN, which a View holds, until the returned function is called.
func (p *pins) add(lsn table.LSN) (remove func()) {
	p.Lock()
	defer p.Unlock()
	p.list = append(p.list, lsn)
	return func() {
		p.Lock()
		defer p.Unlock()
		i := slices.Index(p.list, lsn)
		p.list = slices.Delete(p.list, i, i+1)
	}
}

// below returns the watermark, or what is pinned below it.
func (p *pins) below(watermark table.LSN) table.LSN {
	p.Lock()
	defer p.Unlock()
	for _, lsn := range p.list {
		if !invariants.Mutant("columnar-unpinned-cut") {
			watermark = min(watermark, lsn)
		}
	}
	return watermark
}
