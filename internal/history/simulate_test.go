package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// simulator is a database in a few lines, right or wrong in a known way, whose histories show what the checks see.
type simulator struct {
	lists   map[string][]simVersion // by commit
	clock   int64
	fault   string
	level   Level
	last    int64 // value
	history History
}

// simVersion is a value with the moment of its commit; 0: not committed.
type simVersion struct {
	value, committed int64
	tx               int
}

// simTx is an open transaction.
type simTx struct {
	index          int
	snapshot       int64
	read, appended map[string]bool
}

func (s *simulator) begin(process int) *simTx {
	s.clock++
	s.history.Txs = append(s.history.Txs, Tx{Process: process, Begin: s.clock})
	return &simTx{len(s.history.Txs) - 1, s.clock, map[string]bool{}, map[string]bool{}}
}

func (s *simulator) read(t *simTx, list string) {
	at := t.snapshot
	if s.level == ReadCommitted {
		at = s.clock
	}
	if s.fault == "half of a snapshot" && list > "l1" || s.fault == "no snapshot" {
		at = s.clock
	}
	if s.fault == "old snapshot" {
		at -= 8
	}
	op := Op{List: list}
	for _, v := range s.lists[list] {
		if v.tx == t.index || v.committed != 0 && v.committed <= at || v.committed == 0 && s.fault == "dirty reads" {
			op.Values = append(op.Values, v.value)
		}
	}
	t.read[list] = true
	s.history.Txs[t.index].Ops = append(s.history.Txs[t.index].Ops, op)
}

// append reports whether nothing is in the way.
func (s *simulator) append(t *simTx, list string) bool {
	versions := s.lists[list]
	if n := len(versions); n > 0 && versions[n-1].tx != t.index && s.fault != "no locks" {
		last := versions[n-1]
		if last.committed == 0 || s.level > ReadCommitted && last.committed > t.snapshot && s.fault != "no first updater" {
			return false
		}
	}
	s.last++
	value := s.last
	s.lists[list] = append(versions, simVersion{value, 0, t.index})
	t.appended[list] = true
	s.history.Txs[t.index].Ops = append(s.history.Txs[t.index].Ops, Append(list, value))
	return true
}

func (s *simulator) end(t *simTx, commit bool) {
	if commit && s.level == Serializable && s.fault != "no validation" {
		for list := range t.read {
			for _, v := range s.lists[list] {
				commit = commit && (v.tx == t.index || v.committed <= t.snapshot)
			}
		}
	}
	s.clock++
	tx := &s.history.Txs[t.index]
	tx.Outcome, tx.End = Aborted, s.clock+1
	if commit {
		tx.Outcome = Committed
	}
	for list := range t.appended {
		kept := s.lists[list][:0:0]
		for i, v := range s.lists[list] {
			if v.tx != t.index {
				kept = append(kept, v)
				continue
			}
			if commit {
				v.committed = s.clock
			}
			if commit && (s.fault != "lost commits" || i%5 != 4) || !commit && s.fault == "aborts are kept" {
				v.committed = s.clock
				kept = append(kept, v)
			}
		}
		s.lists[list] = kept
	}
	s.clock++
}

// run interleaves transactions of some processes, then reads all lists.
func (s *simulator) run(rng *rand.Rand, txs int) *History {
	s.lists = map[string][]simVersion{}
	open := make([]*simTx, 6)
	for len(s.history.Txs) < txs {
		p := rng.IntN(len(open))
		t := open[p]
		if t == nil {
			open[p] = s.begin(p)
			continue
		}
		list := fmt.Sprint("l", rng.IntN(4))
		switch ok := true; rng.IntN(6) {
		case 0:
			s.end(t, rng.IntN(8) > 0)
			open[p] = nil
		case 1, 2:
			if ok = s.append(t, list); !ok {
				s.end(t, false)
				open[p] = nil
			}
		default:
			s.read(t, list)
		}
	}
	for _, t := range open {
		if t != nil {
			s.end(t, true)
		}
	}
	s.clock += 20
	last := s.begin(99)
	for i := range 4 {
		s.read(last, fmt.Sprint("l", i))
	}
	s.end(last, true)
	return &s.history
}

// TestSimulator: a right database keeps to its level, and shows what the next level forbids; a wrong one is found out.
func TestSimulator(t *testing.T) {
	for _, c := range []struct {
		fault string
		level Level
		sees  []Anomaly // by all seeds together
	}{
		{"", ReadCommitted, []Anomaly{GSingle, LostUpdate, G2Item}},
		{"", RepeatableRead, []Anomaly{G2Item}},
		{"", Serializable, nil},
		{"dirty reads", ReadCommitted, []Anomaly{G1a, G1b, G1c, GMonotonic}},
		{"no locks", ReadCommitted, []Anomaly{G0}},
		{"aborts are kept", ReadCommitted, []Anomaly{G1a}},
		{"lost commits", ReadCommitted, []Anomaly{Lost}},
		{"half of a snapshot", RepeatableRead, []Anomaly{GSingle}},
		{"no snapshot", RepeatableRead, []Anomaly{GSingle}},
		{"old snapshot", RepeatableRead, []Anomaly{GMonotonic, GSingle}},
		{"no first updater", RepeatableRead, []Anomaly{LostUpdate}},
		{"no validation", Serializable, []Anomaly{G2Item}},
	} {
		t.Run(fmt.Sprint(c.level, " ", c.fault), func(t *testing.T) {
			seen, wrong := map[Anomaly]int{}, 0
			const seeds = 10
			for seed := range uint64(seeds) {
				s := &simulator{fault: c.fault, level: c.level, clock: 20}
				r := Check(s.run(rand.New(rand.NewPCG(seed, 3)), 300))
				if err := r.Against(c.level); err != nil {
					if wrong++; c.fault == "" {
						t.Fatal(err)
					}
				}
				for _, f := range r.Findings {
					seen[f.Anomaly.base()]++
				}
			}
			t.Log(wrong, "of", seeds, "wrong:", seen)
			if c.fault != "" && wrong < seeds/2 {
				t.Errorf("only %d of %d histories are wrong", wrong, seeds)
			}
			for _, a := range c.sees {
				if seen[a] == 0 {
					t.Errorf("%q was never seen", a)
				}
			}
		})
	}
}

// BenchmarkCheck checks a history of snapshot isolation.
func BenchmarkCheck(b *testing.B) {
	s := &simulator{level: RepeatableRead}
	h := s.run(rand.New(rand.NewPCG(1, 3)), 2000)
	for b.Loop() {
		Check(h)
	}
}
