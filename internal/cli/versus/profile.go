package versus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// profileTime is how long a query is run for its profile.
const profileTime = time.Second

// profiles writes a CPU profile of Lamina for each query whose answer is right.
func (b *bench) profiles(ctx context.Context) error {
	for _, m := range b.r.Queries {
		if m.Problem == "" {
			b.Progress(b.w.Title + ": profile of " + m.Name)
			if err := b.profile(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) profile(ctx context.Context, m *Measured) error {
	return Profile(filepath.Join(b.ProfileDir, b.w.Name+"-"+m.Name+".pprof"), func() error {
		for start := time.Now(); time.Since(start) < profileTime; {
			if _, err := b.lamina.Run(ctx, m.Text, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// Profile runs f and writes its CPU profile to a file.
func Profile(file string, f func() error) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}
