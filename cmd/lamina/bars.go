package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bars shows progress on a terminal, and nothing anywhere else.
type bars struct {
	w  io.Writer
	on bool
}

func newBars(w io.Writer, quiet bool) bars { return bars{w, !quiet && isTerminal(w)} }

// begin shows a bar that counts units up to total; report sets how far it is, done removes it.
func (b bars) begin(what, unit string, total int64) (report func(int64), done func()) {
	if !b.on {
		return func(int64) {}, func() {}
	}
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
	)
	report = func(n int64) { _ = bar.Set64(min(n, total)) } // a bar that cannot be drawn is not worth an error
	return report, func() { _ = bar.Finish() }
}
