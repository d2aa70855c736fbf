package store

import (
	"errors"
	"testing"

	"github.com/laminadb/lamina/wal/waltest"
)

// crashRun is a store with the tables that all clients use, on a disk that loses power.
type crashRun struct {
	fs *waltest.CrashFS
	w  *workload
	c  *crasher
}

// newCrashRun opens a store with small log files, which makes no checkpoint by itself. As many images are taken of each kind
// of calls as the budget says, at one call in so many.
func newCrashRun(t *testing.T, round, budget, odds int) *crashRun {
	t.Helper()
	r := &crashRun{fs: waltest.NewCrashFS(), w: &workload{o: newOracle(), seed: crashSeed(round)}}
	r.w.s = must(openCrashWith(r.fs, 128<<10, 1<<30))(t)
	must(0, r.w.setUp())(t)
	r.c = newCrasher(r.w.rng(5))
	for k := range r.c.budget {
		r.c.budget[k], r.c.odds[k] = budget, odds
	}
	return r
}

// arm begins to take images; nil: of the kinds that calls tell by themselves.
func (r *crashRun) arm(kind func(waltest.Op) crashKind) {
	if kind == nil {
		kind = func(op waltest.Op) crashKind { return kindOfOp(op, false) }
	}
	r.c.arm(r.fs, kind, r.w.o.ackedLSN)
}

// check closes the store and checks all images, and what is there after the end of the process. It calls f, if there is one,
// for each image that was as it must be, and returns how many there were.
func (r *crashRun) check(t *testing.T, f func(im *crashImage)) int {
	t.Helper()
	r.fs.SetHook(nil)
	must(0, r.w.s.Close())(t)
	list := append(r.c.images, &crashImage{fs: r.fs.Kill(), kind: "close", acked: r.w.o.ackedLSN(), keep: -1})
	for i, im := range list {
		im.checkpoint = i%2 == 0
		if err := im.check(r.w.o, nil, i%4 == 0); err != nil {
			t.Fatalf("seed %d, image %d, %v: %v", r.w.seed, i, im, err)
		}
		if f != nil {
			f(im)
		}
	}
	return len(list)
}

// beside runs f, and g again and again until f is done.
func beside(f func() error, g func(n int) error) (err error) {
	done := make(chan error)
	go func() { done <- f() }()
	for n := 0; ; n++ {
		select {
		case e := <-done:
			return errors.Join(err, e)
		default:
			err = errors.Join(err, g(n))
		}
	}
}
