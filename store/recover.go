package store

import (
	"errors"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// replay is the state of a recovery.
type replay struct {
	s    *Store
	from *checkpoint // nil: there is none, the log has everything
	// defined says for each tier that its tables were defined. A tier that is ahead of the checkpoint
	// learns of them as they are at its own LSN, because that is what its files hold.
	defined []bool
	buf     []byte
	reader  entryReader
}

// recover brings the store to the state that its directory holds: the last checkpoint and what the log
// has after it.
func (s *Store) recover() error {
	c, err := s.readCheckpoint()
	if err != nil {
		return err
	}
	if err := s.addTiers(s.dir, c); err != nil {
		return err
	}
	if err := s.checkBehind(c); err != nil {
		return err
	}
	r := &replay{s: s, from: c, defined: make([]bool, len(s.tiers))}
	o := wal.Options{FileBytes: s.common.LogFileBytes}
	if c != nil {
		s.applied.lsn, s.applied.time, s.applied.catalog = c.lsn, c.time, c.catalog
		for _, b := range c.hidden {
			s.hidden.define(b)
		}
		for _, q := range c.sequences {
			s.sequences.set(q)
		}
		o.ID, o.From = c.log, c.position
		s.checkpoints.lsn.Store(uint64(c.lsn))
		s.checkpoints.position.Store(uint64(c.position))
	}
	end, err := r.readLog(o)
	if err != nil {
		return err
	}
	if err := r.reach(table.MaxLSN); err != nil {
		return err
	}
	if err := r.checkAhead(); err != nil {
		return err
	}
	for i := range s.tiers {
		if f := s.tiers[i].recovered; f != nil {
			if err := f(); err != nil {
				return err
			}
		}
	}
	s.begin(end)
	s.loadAnalyses()
	return s.startLog(c)
}

// readLog replays the log and leaves it open for writing, unless the store only reads.
func (r *replay) readLog(o wal.Options) (wal.Position, error) {
	s := r.s
	path := s.dir.join(logName)
	if s.readOnly {
		report, err := wal.Scan(s.dir.fs, path, o.From, r.record)
		err = r.of(err)
		switch {
		case err != nil:
		case o.ID != (wal.ID{}) && report.ID != o.ID:
			err = corruptedf("the log in \"%s\" is of another database than the checkpoint", path)
		default:
			err = r.checkEnd(report.LastLSN)
		}
		return report.End, err
	}
	var err error
	s.log, _, err = wal.Open(s.dir.fs, path, o, r.record)
	if err != nil {
		return 0, r.of(err)
	}
	lsn, _ := s.log.Last()
	return s.log.End(), r.checkEnd(lsn)
}

// of adds to an error of the log what is read of it: a checkpoint that is lost, or of another time, leads to files that are gone.
func (r *replay) of(err error) error {
	switch {
	case err == nil || sqlerr.CodeOf(err) != sqlerr.DataCorrupted:
		return err
	case r.from == nil:
		return sqlerr.Newf(sqlerr.DataCorrupted, "%w (read from its beginning, as there is no %s)", err, checkpointName)
	}
	return sqlerr.Newf(sqlerr.DataCorrupted, "%w (read from %v, as %s says)", err, r.from.position, checkpointName)
}

// checkEnd checks that the replay has led to the LSN at which the log ends.
func (r *replay) checkEnd(lsn table.LSN) error {
	if lsn != r.s.applied.lsn {
		return corruptedf("the log is at LSN %d, but the checkpoint and its records lead to %d", lsn, r.s.applied.lsn)
	}
	return nil
}

// record replays one record. Those at or below the checkpoint's LSN are in it.
func (r *replay) record(rec *wal.Record) error {
	s := r.s
	if rec.LSN == 0 {
		return r.replayLocal(rec)
	}
	if r.from != nil && rec.LSN <= r.from.lsn {
		return nil
	}
	if rec.LSN != s.applied.lsn+1 {
		return corruptedf("log: record %d follows record %d", rec.LSN, s.applied.lsn)
	}
	if err := r.reach(rec.LSN); err != nil {
		return err
	}
	if err := r.apply(rec); err != nil {
		return sqlerr.Newf(sqlerr.CodeOf(err), "replay of record %d at %v: %w", rec.LSN, rec.Pos, err)
	}
	s.applied.lsn, s.applied.time = rec.LSN, rec.Time
	return nil
}

// reach defines the tables of the tiers that are durable up to less than next.
func (r *replay) reach(next table.LSN) error {
	for i := range r.s.tiers {
		t := &r.s.tiers[i]
		if r.defined[i] || t.durable && t.Durable() >= next && !invariants.Mutant("rowstore-ignore-durable") {
			continue
		}
		r.defined[i] = true
		if err := r.s.defineAll(t, r.s.applied.lsn, r.s.applied.catalog); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) apply(rec *wal.Record) error {
	switch rec.Kind {
	case wal.Commit, wal.Load:
		return r.commit(rec)
	case wal.SequenceBlock:
		d := decoder{b: rec.Payload}
		blocks := d.hidden()
		var values []sequenceState
		if d.err == nil && len(d.b) > 0 {
			values = d.sequences()
		}
		if d.err == nil && len(d.b) != 0 {
			d.fail("%d bytes after the blocks of a sequence record", len(d.b))
		}
		for _, b := range blocks {
			r.s.hidden.define(b)
		}
		for _, q := range values {
			r.s.sequences.set(q)
		}
		return d.err
	}
	return corruptedf("a record of kind %v is not known here", rec.Kind)
}

func (r *replay) commit(rec *wal.Record) error {
	s := r.s
	c, rest, err := decodeHead(rec.Payload)
	if err != nil {
		return err
	}
	if len(c.schema) > 0 {
		if c.next, err = s.applied.catalog.Apply(rec.LSN, c.schema); err != nil {
			return err
		}
		if err := s.define(rec.LSN, c, r.defined); err != nil {
			return err
		}
	}
	for _, b := range c.hidden {
		s.hidden.define(b)
	}
	for _, q := range c.sequences {
		s.sequences.set(q)
	}
	if err := r.entries(rec, rest); err != nil {
		return err
	}
	if c.next != nil {
		return s.undefine(rec.LSN, c, r.defined)
	}
	return nil
}

// entries replays the entries in the chunks of a record and in its payload. Chunks are parts of one
// string of bytes: an entry may begin in one and end in the next.
func (r *replay) entries(rec *wal.Record, rest []byte) error {
	definition := func(id table.ObjectID, version uint32) (*table.TableDef, error) {
		return r.definition(rec.LSN, id, version)
	}
	apply := func(e *table.Entry) error { return r.s.applyEntry(rec.LSN, e) }
	var carry []byte
	for i := range rec.Chunks {
		b, err := rec.Chunk(i, r.buf)
		if err != nil {
			return err
		}
		r.buf = b
		carry = append(carry, b...)
		n := wholeEntries(carry)
		if err := r.reader.read(carry[:n], definition, apply); err != nil {
			return err
		}
		carry = append(carry[:0:0], carry[n:]...)
	}
	if len(carry) > 0 {
		return corruptedf("%d bytes after the last entry of a stream", len(carry))
	}
	return r.reader.read(rest, definition, apply)
}

// definition returns the definition under which an entry was made, or nil if the entry need not be decoded because the
// tier has it.
func (r *replay) definition(lsn table.LSN, id table.ObjectID, version uint32) (*table.TableDef, error) {
	s := r.s
	def := s.applied.catalog.TableVersion(id, version)
	if def == nil {
		return nil, corruptedf("entry of table %d with definition %d, which is not known", id, version)
	}
	i := s.tierOf(def.Method)
	if i < 0 {
		return nil, corruptedf("table %d has the unknown access method \"%s\"", id, def.Method)
	}
	has := s.tiers[i].durable && lsn <= s.tiers[i].Durable() && !invariants.Mutant("rowstore-ignore-durable")
	if !r.defined[i] || has {
		return nil, nil
	}
	return def, nil
}

// checkBehind refuses a directory whose tiers lack what the checkpoint says that they hold: what the log
// had of it may be gone.
func (s *Store) checkBehind(c *checkpoint) error {
	if c == nil || invariants.Mutant("store-ignore-tier-mark") {
		return nil
	}
	var errs []error
	for _, mark := range c.tiers {
		i := s.tierOf(mark.name)
		switch {
		case i < 0 || !s.tiers[i].durable:
			errs = append(errs, corruptedf("the checkpoint refers to a tier \"%s\", which is not known", mark.name))
		case s.tiers[i].Durable() < mark.durable:
			errs = append(errs, corruptedf("the files of the %s tier, by %s, are at LSN %d, but %s was made with those at %d",
				mark.name, s.tiers[i].manifest(), s.tiers[i].Durable(), checkpointName, mark.durable))
		}
	}
	return errors.Join(errs...)
}

// checkAhead refuses a directory whose tiers hold what the log does not have: the log was lost in part.
func (r *replay) checkAhead() error {
	var errs []error
	for i := range r.s.tiers {
		t := &r.s.tiers[i]
		if t.durable && t.Durable() > r.s.applied.lsn {
			errs = append(errs, corruptedf("the files of the %s tier, by %s, are at LSN %d, but the log ends at %d",
				t.method, t.manifest(), t.Durable(), r.s.applied.lsn))
		}
	}
	return errors.Join(errs...)
}

// startLog starts the commit queue.
func (s *Store) startLog(c *checkpoint) error {
	if s.readOnly {
		return nil
	}
	s.pipeline = txn.NewPipeline(txn.PipelineOptions{Log: s.log, Apply: s.applyRequest, Publish: s.publish})
	s.commits = s.pipeline
	s.recovery.over.Store(true)
	s.checkpoints.start(s, c)
	for i := range s.tiers {
		if f := s.tiers[i].start; f != nil {
			f()
		}
	}
	return nil
}
