package store

import (
	"context"
	"errors"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/backup"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// incompleteName is the file that a backup has until it is complete: it is the first to come, and the last to go.
const incompleteName = "INCOMPLETE"

// Backup copies the database into an empty directory while it is in use.
//
// The order makes the copy one that a power loss might have left: first the checkpoint, with the log pinned from there on;
// then the files of the tiers, which may be ahead of the checkpoint; the log last, because no tier is ahead of what is
// durable of it. Opening the copy replays the log.
func (s *Store) Backup(ctx context.Context, dir string, o table.BackupOptions) (report table.BackupReport, err error) {
	if err := s.enter(); err != nil {
		return report, err
	}
	defer s.leave()
	if s.dir == nil {
		return report, sqlerr.Unsupported("backup of a database in memory")
	}
	select {
	case s.backups <- struct{}{}:
		defer func() { <-s.backups }()
	case <-ctx.Done():
		return report, sqlerr.Canceled(ctx)
	}
	b := &backupRun{s: s, ctx: ctx, o: o}
	if err := b.begin(dir); err != nil {
		return report, err
	}
	defer func() { err = b.end(err) }()
	for _, step := range b.steps() {
		if err := step(); err != nil {
			return report, err
		}
	}
	return b.report()
}

// backupRun is a backup that is being made.
type backupRun struct {
	s     *Store
	ctx   context.Context // of the call that makes it
	o     table.BackupOptions
	total int64
	// dst is the directory that is made, base the same without what ends the backup; to takes its files.
	dst, base *directory
	to        *backup.Target
	// created: the directory was not there before.
	created bool
	pin     *wal.Pin
	// checkpoint is the content of the checkpoint file, nil if there is none.
	checkpoint []byte
	lsn        table.LSN
	ended      []func() // of the tiers
}

// steps are what is done once the directory is there, in this order.
func (b *backupRun) steps() []func() error {
	if invariants.Mutant("backup-log-first") {
		return []func() error{b.capture, b.log, b.tiers, b.finish}
	}
	return []func() error{b.capture, b.tiers, b.log, b.finish}
}

// check says why the backup must not go on. Once the store is closed another program may change the directory.
func (b *backupRun) check() error {
	if b.ctx.Err() != nil {
		return sqlerr.Canceled(b.ctx)
	}
	return b.s.usable()
}

// begin makes the directory, takes it, and marks it as incomplete. After an error nothing is left of it.
func (b *backupRun) begin(dir string) (err error) {
	size, err := b.s.Size(b.ctx)
	if err != nil {
		return err
	}
	b.total = size.Total()
	b.to = backup.New(b.s.dir.fs, dir, backup.Options{Check: b.check, Progress: b.progress})
	b.base = &directory{fs: b.s.dir.fs, path: dir}
	b.dst = &directory{fs: b.to.FS(), path: dir}
	if err := b.checkPlace(); err != nil {
		return err
	}
	if err := b.dst.make(); err != nil {
		return errors.Join(err, b.removeDir())
	}
	lock, err := b.base.fs.Lock(b.base.join(lockName))
	if err != nil {
		_ = b.removeDir() // somebody else's files may be in it
		if errors.Is(err, syscall.EIO) || isNotExist(err) || vfs.IsNoSpaceError(err) || cannotOpen(err) {
			return fileError("lock", b.base.join(lockName), err)
		}
		return sqlerr.Newf(sqlerr.ObjectInUse, "directory \"%s\" is in use by another program", dir).WithCause(err)
	}
	b.base.lock = lock
	defer func() {
		if err != nil {
			err = b.end(err)
		}
	}()
	if err := b.base.checkAlone(); err != nil {
		return err
	}
	if err := b.to.Write(incompleteName, []byte("This backup is not complete.\n")); err != nil {
		return err
	}
	return b.to.Sync()
}

func (b *backupRun) progress(done int64) {
	if b.o.Progress != nil {
		b.o.Progress(done, max(done, b.total))
	}
}

// checkPlace refuses a directory that has something in it, or lies in that of a database.
func (b *backupRun) checkPlace() error {
	d := b.base
	if d.path == "" {
		return sqlerr.New(sqlerr.InvalidParameterValue, "no directory given for the backup")
	}
	names, err := d.fs.List(d.path)
	switch {
	case isNotExist(err):
		b.created = true
	case err != nil:
		return fileError("list", d.path, err)
	case len(names) > 0:
		return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState,
			"directory \"%s\" is not empty: it has \"%s\"; a backup is made in a new or empty directory", d.path, names[0])
	}
	for path := d.path; ; {
		above := d.fs.PathDir(path)
		if above == path {
			return nil
		}
		if path = above; isDatabase(&directory{fs: d.fs, path: path}) {
			return sqlerr.Newf(sqlerr.InvalidParameterValue, "directory \"%s\" lies inside of the database directory \"%s\"", d.path, path)
		}
	}
}

// isDatabase reports whether a directory has the version file of a database.
func isDatabase(d *directory) bool {
	b, err := readFile(d.fs, d.join(versionName))
	if err != nil {
		return false
	}
	_, _, ok := parseVersion(b)
	return ok
}

// checkAlone refuses a locked directory that another program has begun to use.
func (d *directory) checkAlone() error {
	names, err := d.fs.List(d.path)
	if err != nil {
		return fileError("list", d.path, err)
	}
	for _, name := range names {
		if name != lockName {
			return sqlerr.Newf(sqlerr.ObjectInUse, "directory \"%s\" is used by another program: it has \"%s\"", d.path, name)
		}
	}
	return nil
}

// checkComplete refuses a directory with a backup that was not completed.
func (d *directory) checkComplete() error {
	_, err := d.fs.Stat(d.join(incompleteName))
	switch {
	case isNotExist(err):
		return nil
	case err != nil:
		return fileError("stat", d.join(incompleteName), err)
	}
	return sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState, "directory \"%s\" holds a backup that was not completed", d.path).
		WithHint("Remove the directory and make the backup again.")
}

// capture makes a checkpoint, takes its file, and keeps the log from there on.
func (b *backupRun) capture() (err error) {
	s := b.s
	if !s.readOnly {
		if err := errors.Join(s.writable(), s.checkpoint(b.ctx)); err != nil {
			return err
		}
	}
	s.checkpoints.making.Lock()
	defer s.checkpoints.making.Unlock()
	b.checkpoint, err = readFile(s.dir.fs, s.dir.join(checkpointName))
	if s.readOnly && isNotExist(err) {
		return nil
	}
	if s.log != nil {
		b.pin = s.log.PinAll()
	}
	return err
}

// tiers takes the files of the tiers.
func (b *backupRun) tiers() error {
	for i := range b.s.tiers {
		t := &b.s.tiers[i]
		switch {
		case !t.durable:
			continue
		case t.backup == nil:
			return sqlerr.Unsupported("backup of " + t.method + " tables")
		}
		if t.backupEnded != nil {
			b.ended = append(b.ended, t.backupEnded)
		}
		if err := t.backup(b.ctx, b.to.Folder(t.folder)); err != nil {
			return err
		}
	}
	return nil
}

// log takes the log.
func (b *backupRun) log() (err error) {
	s, to := b.s, b.to.Folder(logName)
	if s.log != nil {
		b.lsn, err = b.pin.CopyTo(to)
	} else {
		b.lsn, err = wal.CopyFiles(s.dir.fs, s.dir.join(logName), wal.Position(s.checkpoints.position.Load()), to)
	}
	for i := range s.tiers {
		if t := &s.tiers[i]; err == nil && t.backupLog != nil {
			err = t.backupLog(b.ctx, b.to.Folder(t.folder))
		}
	}
	return err
}

// finish makes a database of the directory: what makes it one comes last.
func (b *backupRun) finish() error {
	version, err := readFile(b.s.dir.fs, b.s.dir.join(versionName))
	if err != nil {
		return err
	}
	if b.checkpoint != nil {
		if err := b.to.Write(checkpointName, b.checkpoint); err != nil {
			return err
		}
	}
	if err := b.statistics(); err != nil {
		return err
	}
	if err := b.to.Sync(); err != nil {
		return err
	}
	if err := b.dst.replace(versionName, version); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	if err := b.base.fs.Remove(b.base.join(incompleteName)); err != nil {
		return fileError("remove", b.base.join(incompleteName), err)
	}
	return b.to.Sync()
}

// statistics takes what ANALYZE has found.
func (b *backupRun) statistics() error {
	content, err := readFile(b.s.dir.fs, b.s.dir.join(statisticsName))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.to.Write(statisticsName, content)
}

// end gives up what the backup holds, and removes it if there was an error.
func (b *backupRun) end(err error) error {
	b.to.End()
	for _, f := range b.ended {
		f()
	}
	if b.pin != nil {
		b.pin.Release()
	}
	if err != nil {
		err = errors.Join(err, b.remove())
	}
	if lock := b.base.lock; lock != nil {
		b.base.lock = nil
		err = errors.Join(err, fileError("unlock", b.base.join(lockName), lock.Close()))
	}
	return err
}

// remove removes what was written: first what makes a database of it, last what says that it is none.
func (b *backupRun) remove() error {
	d := b.base
	names, err := d.fs.List(d.path)
	if err != nil {
		return fileError("list", d.path, err)
	}
	rank := map[string]int{versionName: 0, incompleteName: 2, lockName: 3}
	for step := range 4 {
		for _, name := range names {
			at, known := rank[name]
			if !known {
				at = 1
			}
			if at != step {
				continue
			}
			if err := d.fs.RemoveAll(d.join(name)); err != nil {
				return fileError("remove", d.join(name), err)
			}
		}
	}
	return b.removeDir()
}

// removeDir removes the directory, if the backup has made it.
func (b *backupRun) removeDir() error {
	if !b.created {
		return nil
	}
	if err := b.base.fs.Remove(b.base.path); err != nil && !isNotExist(err) {
		return fileError("remove directory", b.base.path, err)
	}
	return nil
}

// report counts what is there.
func (b *backupRun) report() (table.BackupReport, error) {
	r := table.BackupReport{LSN: b.lsn, Linked: int(b.to.Linked())}
	files, bytes, err := b.base.count(b.base.path)
	r.Files, r.Bytes = files, bytes
	return r, err
}
