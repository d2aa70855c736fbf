package store

import (
	"context"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/wal"
)

// Verify reads the checkpoint, the log and the files of the tiers, checks every checksum, and checks
// for each row that its keys lead to it. report returns false to stop.
func (s *Store) Verify(ctx context.Context, report func(table.Damage) bool) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	v := &verifier{ctx: ctx, s: s}
	v.report = func(d table.Damage) bool {
		v.stopped = v.stopped || !report(d)
		return !v.stopped
	}
	steps := []func() error{v.tables}
	if s.dir != nil {
		steps = []func() error{v.version, v.checkpoint, v.statistics, v.log, v.tiers, v.tables}
	}
	for _, step := range steps {
		if err := step(); err != nil || v.stopped {
			return err
		}
	}
	return nil
}

type verifier struct {
	ctx     context.Context
	s       *Store
	report  func(table.Damage) bool
	stopped bool
}

// damage reports err if it says that something is damaged, and returns it otherwise.
func (v *verifier) damage(file string, err error) error {
	if sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
		return err
	}
	d := table.Damage{File: file, Err: err}
	if name, offset, ok := table.PlaceOf(err); ok {
		d.File, d.Offset = name, offset
	}
	v.report(d)
	return nil
}

func (v *verifier) version() error {
	d := v.s.dir
	b, err := readFile(d.fs, d.join(versionName))
	if isNotExist(err) {
		err = damaged(versionName, 0, "the file is missing")
	}
	if err == nil {
		if _, _, ok := parseVersion(b); !ok {
			err = damaged(versionName, 0, "not a version file")
		}
	}
	return v.damage(versionName, err)
}

func (v *verifier) checkpoint() error {
	made := v.s.checkpoints.position.Load() != 0 // asked first: the first one may be made meanwhile
	c, err := v.s.readCheckpoint()
	if err == nil && c == nil && made {
		err = damaged(checkpointName, 0, "the file is missing")
	}
	return v.damage(checkpointName, err)
}

func (v *verifier) statistics() error {
	_, err := v.s.readAnalyses()
	return v.damage(statisticsName, err)
}

// log reads the log from the file with the last checkpoint's position up to where it is durable;
// commits and checkpoints may follow meanwhile.
func (v *verifier) log() error {
	from := wal.Position(v.s.checkpoints.position.Load())
	err := v.readLog(from)
	for err != nil {
		now := wal.Position(v.s.checkpoints.position.Load())
		if now == from || sqlerr.CodeOf(err) != sqlerr.UndefinedFile {
			break
		}
		from = now // a checkpoint has removed that file
		err = v.readLog(from)
	}
	return v.damage(logName, err)
}

func (v *verifier) readLog(from wal.Position) error {
	record := func(r *wal.Record) error {
		if v.ctx.Err() != nil {
			return sqlerr.Canceled(v.ctx)
		}
		if r.Kind != wal.Commit && r.Kind != wal.Load {
			return nil
		}
		_, _, err := decodeHead(r.Payload)
		return err
	}
	if v.s.log != nil {
		return v.s.log.Check(from, record)
	}
	_, err := wal.Scan(v.s.dir.fs, v.s.dir.join(logName), from, record)
	return err
}

func (v *verifier) tiers() error {
	for i := range v.s.tiers {
		if f := v.s.tiers[i].verify; f != nil {
			if _, err := f(v.ctx, v.report); err != nil || v.stopped {
				return err
			}
		}
	}
	return nil
}

// tables checks the keys of all rows of the published View.
func (v *verifier) tables() error {
	view := v.s.views.Acquire()
	defer view.Release()
	for _, o := range view.State.catalog.List(table.KindTable) {
		def := o.(*table.TableDef)
		ts := view.State.table(v.s, def)
		if ts == nil {
			v.report(table.Damage{Object: def.Name, Err: sqlerr.New(sqlerr.DataCorrupted, "the table has no storage")})
			continue
		}
		if err := v.table(view, def, ts); err != nil || v.stopped {
			return err
		}
	}
	return nil
}

func (v *verifier) table(view *view, def *table.TableDef, ts table.TableSnapshot) error {
	cols := allColumns(def)
	s, err := ts.Scan(&table.ScanSpec{Cols: cols, Refs: true})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it was only read
	for {
		m, err := s.NextMorsel(v.ctx)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		err = readRows(v.ctx, m, func(c *rowCheck) error {
			if len(def.Foreign) > 0 {
				v.foreign(view, def, &c.batch)
			}
			return v.rows(def, ts, &c.batch)
		})
		if err != nil || v.stopped {
			return err
		}
	}
}

// rows checks that the keys of rows lead to them.
func (v *verifier) rows(def *table.TableDef, ts table.TableSnapshot, b *vec.Batch) error {
	var key, id []byte
	for i := range b.N {
		ref := table.RowRef(b.BatchDatum(len(def.Columns), i).I)
		id = ts.AppendKey(id[:0], ref)
		if found, ok := ts.Get(id); !ok || found != ref {
			v.lost(def, "identity", b, i)
		}
		for k := range def.Keys {
			var ok bool
			if key, ok = index.AppendBatch(key[:0], b, def.Keys[k].Columns, i); !ok {
				continue
			}
			if found, ok := ts.NewestUnique(k, key); ok && sameVersion(ts, found, ref) {
				continue
			}
			// A commit after the View may have ended the row; otherwise the index has lost it.
			if now, _, live, _ := ts.Newest(id); live && sameVersion(ts, now, ref) {
				v.lost(def, def.Keys[k].Name, b, i)
			}
		}
		if v.stopped {
			return nil
		}
	}
	return nil
}

func (v *verifier) lost(def *table.TableDef, index string, b *vec.Batch, i int) {
	row := b.Row(i, make(types.Row, 0, len(def.Columns)+1))
	v.report(table.Damage{Object: def.Name, Err: sqlerr.Newf(sqlerr.IndexCorrupted,
		"index \"%s\" of table \"%s\" does not lead to row (%s)", index, def.Name, rowText(def, row))})
}
