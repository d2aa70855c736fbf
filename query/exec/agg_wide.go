package exec

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// wide evaluates batches of scans that leave few rows out as if they left none: nothing is gathered. The rows
// that are out get the code of a group that is cleared after the batch. That holds for sums and counts of
// what cannot fail, and for batches whose keys the coder has room for; other batches are gathered.
type wide struct {
	batch vec.Batch
	words []uint64 // of all rows
	codes []uint32
	used  bool
}

// wideShare is the least share of live rows, in eighths.
const wideShare = 7

// canWiden reports whether batches may be evaluated with rows that are out.
func (a *aggregation) canWiden() bool {
	return a.nk > 0 && a.canAddDead()
}

// canAddDead reports whether rows that are not live may be evaluated, and what they add taken out again.
func (a *aggregation) canAddDead() bool {
	if a.ordered || a.q.env.DebugForms {
		return false
	}
	for i := range a.inputs {
		if in := &a.inputs[i]; in.filter >= 0 || in.arg2 >= 0 || in.distinct {
			return false
		}
	}
	for i := range a.states {
		if a.states[i].kind != stateSum {
			return false
		}
	}
	for _, e := range a.exprs {
		if expr.CanFail(e) || expr.IsVolatile(e) {
			return false
		}
	}
	return true
}

func (l *aggLocal) allocWide() (err error) {
	if !l.a.canWiden() {
		return nil
	}
	l.wide = &wide{}
	if l.wide.words, err = makeSlice[uint64](&l.w.arena, batchRows); err != nil {
		return err
	}
	l.wide.codes, err = makeSlice[uint32](&l.w.arena, batchRows)
	return err
}

// liveOf returns the rows of a batch that are live, and the number of rows up to the last of them; false if the
// batch leaves none out, or many.
func liveOf(b *vec.Batch) (sel []uint16, rows int, ok bool) {
	if len(b.Groups) != 1 || b.Groups[0].Sel == nil || b.Groups[0].RowIDs != nil || b.N == 0 {
		return nil, 0, false
	}
	sel = b.Groups[0].Sel[:b.N]
	if rows = int(sel[b.N-1]) + 1; rows > batchRows || rows*wideShare > b.N*8 {
		return nil, 0, false
	}
	for i := 1; i < len(sel); i++ {
		if sel[i] <= sel[i-1] {
			return nil, 0, false // a row may be there twice
		}
	}
	return sel, rows, true
}

// pushWide adds a batch without gathering it; false if that cannot be done, and nothing was.
func (l *aggLocal) pushWide(b *vec.Batch) (bool, error) {
	if l.wide == nil || !l.t.coder.known {
		return false, nil
	}
	sel, rows, ok := liveOf(b)
	if !ok {
		return false, nil
	}
	w, t := l.wide, l.t
	w.batch.Single(rows, b.Groups[0].Cols, nil)
	if n, err := evalAll(l.ev, &w.batch, l.vs); n < rows || err != nil {
		return false, nil //nolint:nilerr // the live rows alone will tell
	}
	if !l.wideFits(rows) {
		return false, nil
	}
	found, learn, err := l.groupByCodes(rows, w.codes)
	switch {
	case err != nil:
		return false, err
	case found:
		kernel.FillGaps(w.codes[:rows], uint32(t.n), sel)
	default:
		if ok, err := l.groupWide(sel, rows, learn); !ok || err != nil {
			return false, err
		}
	}
	if !w.used {
		w.used = true
		l.a.stats.note("batches that lack few rows are not gathered")
	}
	out := t.n // a group that is not there yet
	l.codes, w.codes = w.codes, l.codes
	err = l.update(rows)
	l.codes, w.codes = w.codes, l.codes
	if !invariants.Mutant("agg-keep-dead-rows") {
		clear(t.hot.v[out*l.a.words : (out+1)*l.a.words])
	}
	if t.hasCold {
		clear(t.cold.v[out*l.a.cold : (out+1)*l.a.cold])
	}
	l.w.row += uint32(len(sel))
	return true, err
}

// groupWide finds the groups of the rows of sel by their keys, and gives all others the group after the last.
func (l *aggLocal) groupWide(sel []uint16, rows int, learn bool) (bool, error) {
	w, t := l.wide, l.t
	if t.coder.hashed || !t.coder.words(w.words, l.vs[:l.a.nk], rows, l.s) {
		return false, nil
	}
	if err := t.settle(); err != nil {
		return false, err
	}
	l.place(rows)
	kernel.Pick(l.words, w.words, sel)
	if err := t.findWords(nil, len(sel), l.words[:len(sel)], l.codes[:len(sel)], l.pos, &l.run); err != nil {
		return false, err
	}
	if learn {
		l.byCode.learn(l.vs[:l.a.nk], sel, l.codes[:len(sel)])
	}
	kernel.SpreadCodes(w.codes[:rows], uint32(t.n), sel, l.codes)
	return true, nil
}

// wideFits reports whether all sums can be added up in the hot words.
func (l *aggLocal) wideFits(rows int) bool {
	for i := range l.a.inputs {
		if arg := l.a.inputs[i].arg; arg >= 0 && hasNulls(l.vs[arg], rows) {
			return false
		}
	}
	for s := range l.a.states {
		in := &l.a.inputs[l.a.states[s].input]
		v := l.vs[in.arg]
		if in.typ.Class() != types.ClassNumeric {
			continue
		}
		sc := &l.t.scales[s]
		if isVarNumeric(v) || numericWidth(v) > 8 || sc.slow || sc.known && sc.scale != numericScale(v) {
			return false
		}
	}
	return true
}
