package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/invariants"
)

// checkpointer makes checkpoints, on demand and when the log has grown. Its goroutine ends in stop.
type checkpointer struct {
	// making is held by whoever makes one.
	making sync.Mutex
	// logged is the size of the log (Stats.Bytes) at the last checkpoint.
	logged atomic.Int64
	// lsn is that of the last checkpoint; position is where a replay from it begins.
	lsn      atomic.Uint64
	position atomic.Uint64
	wake     chan struct{}
	cancel   context.CancelFunc
	ended    chan struct{}
}

// start starts the goroutine. c is the checkpoint that the store was opened with, nil if none.
func (k *checkpointer) start(s *Store, c *checkpoint) {
	ctx, cancel := context.WithCancel(context.Background())
	k.wake, k.ended, k.cancel = make(chan struct{}, 1), make(chan struct{}), cancel
	if c != nil && s.applied.lsn > c.lsn || c == nil && s.applied.lsn > 0 {
		k.logged.Store(-recoveredBytes(s))
	}
	go k.loop(ctx, s)
}

// recoveredBytes is what the log holds since the last checkpoint, from above.
func recoveredBytes(s *Store) int64 { return s.log.Stats().LiveBytes }

func (k *checkpointer) loop(ctx context.Context, s *Store) {
	defer close(k.ended)
	for {
		select {
		case <-k.wake:
		case <-ctx.Done():
			return
		}
		if err := s.checkpoint(ctx); err != nil && ctx.Err() == nil {
			s.logger.Error("checkpoint", "err", err)
		}
	}
}

// grown is called after commits: it wakes the goroutine when the log has grown enough.
func (k *checkpointer) grown(s *Store) {
	if s.log == nil || s.log.Stats().Bytes-k.logged.Load() < s.common.LogBytesMax {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *checkpointer) stop() {
	if k.cancel == nil {
		return
	}
	k.cancel()
	<-k.ended
}

// Checkpoint makes the present state durable without the log, and truncates the log.
func (s *Store) Checkpoint(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	if s.readOnly {
		return errReadOnly("CHECKPOINT")
	}
	if s.log == nil {
		return nil // nothing outlives the process
	}
	return s.checkpoint(ctx)
}

// liveFilesKept is how many log files a closed database may keep: the one that the last checkpoint names, and
// the one that was begun after it.
const liveFilesKept = 2

// checkpointAtClose makes a checkpoint if something has changed since the last one. Without it nothing is lost: the log
// keeps what it holds.
func (s *Store) checkpointAtClose() {
	if s.pipeline == nil {
		return // nothing outlives the process, or was written
	}
	v := s.views.Acquire()
	lsn := v.LSN()
	v.Release()
	if uint64(lsn) == s.checkpoints.lsn.Load() && s.log.Stats().LiveFiles <= liveFilesKept {
		return
	}
	if err := s.checkpoint(context.Background()); err != nil {
		s.logger.Warn("no checkpoint at close", "err", err)
	}
}

func (s *Store) checkpoint(ctx context.Context) error {
	s.checkpoints.making.Lock()
	defer s.checkpoints.making.Unlock()
	start := time.Now()
	logged := s.log.Stats().Bytes
	v := s.views.Acquire()
	defer v.Release()
	// The file must not name a position that a crash could take away.
	if !invariants.Mutant("store-data-before-log") {
		if err := s.pipeline.EnsureDurable(ctx, v.LSN()); err != nil {
			return err
		}
	}
	if invariants.Mutant("store-truncate-before-checkpoint") {
		if err := s.log.Truncate(v.Position()); err != nil {
			return err
		}
	}
	for i := range s.tiers {
		if err := s.tiers[i].Checkpoint(ctx, v.LSN()); err != nil {
			return err
		}
	}
	if err := s.writeCheckpoint(v); err != nil {
		return err
	}
	s.stats.checkpoints.Add(1)
	s.stats.checkpointTimes.Since(start)
	s.checkpoints.logged.Store(logged)
	s.checkpoints.lsn.Store(uint64(v.LSN()))
	s.checkpoints.position.Store(uint64(v.Position()))
	if invariants.Mutant("store-truncate-too-much") {
		return s.log.Truncate(s.log.End())
	}
	return s.log.Truncate(v.Position())
}

// writeCheckpoint writes the checkpoint file for a View.
func (s *Store) writeCheckpoint(v *view) error {
	c := checkpoint{
		log: s.log.ID(), lsn: v.LSN(), time: v.State.time, position: v.Position(),
		catalog: v.State.catalog.Forget(v.LSN()),
	}
	if invariants.Mutant("store-forget-catalog") {
		c.catalog = catalog.New()
	}
	for _, b := range s.hidden.blocks() {
		if c.catalog.Table(b.table) != nil && !invariants.Mutant("store-forget-hidden-keys") {
			c.hidden = append(c.hidden, b)
		}
	}
	for _, q := range s.sequences.states() {
		if c.catalog.ByID(q.id) != nil && !invariants.Mutant("store-forget-sequences") {
			c.sequences = append(c.sequences, q)
		}
	}
	for i := range s.tiers {
		if t := &s.tiers[i]; t.durable && t.Durable() > 0 { // 0: it has no files
			c.tiers = append(c.tiers, tierMark{t.method, t.Durable()})
		}
	}
	b := c.encode()
	s.stats.checkpointBytes.Add(int64(len(b)))
	return s.dir.replace(checkpointName, b)
}

// readCheckpoint returns the last checkpoint, nil if there is none yet.
func (s *Store) readCheckpoint() (*checkpoint, error) {
	path := s.dir.join(checkpointName)
	b, err := readFile(s.dir.fs, path)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeCheckpoint(checkpointName, b)
}
