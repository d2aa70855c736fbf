package lamina

import (
	"context"

	"github.com/laminadb/lamina/table"
)

// Backup copies the database into the directory dir while it is in use: dir is made, or must be empty. The copy is a database
// of its own, at the LSN that the report names: everything is in it that was committed when Backup was called. Files that never
// change are hard links where the file system can, so that such a copy takes little space and time. A backup that fails, or is
// canceled by ctx or Close, removes what it wrote; one that a power loss cuts off cannot be opened. Open restores it. A database in
// memory is 0A000.
func (db *DB) Backup(ctx context.Context, dir string) (table.BackupReport, error) {
	return db.BackupWith(ctx, dir, table.BackupOptions{})
}

// BackupWith is Backup with options.
func (db *DB) BackupWith(ctx context.Context, dir string, o table.BackupOptions) (r table.BackupReport, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if progress := o.Progress; progress != nil {
		// Who is told how far a backup is may wait for Close to begin: the backup must not end before it has seen that.
		o.Progress = func(done, total int64) {
			progress(done, total)
			select {
			case <-db.open.ended:
				cancel(errClosed)
			default:
			}
		}
	}
	err = db.call(func() error {
		go func() {
			select {
			case <-db.open.ended:
				cancel(errClosed)
			case <-ctx.Done():
			}
		}()
		r, err = db.storage.Backup(ctx, dir, o)
		return err
	})
	return r, err
}
