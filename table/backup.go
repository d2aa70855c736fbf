package table

// VacuumReport says what a Vacuum did to a table: row versions that had ended are gone, or left because they are still seen, or
// are kept together with rows that live.
type VacuumReport struct{ Freed, Left int64 }

// BackupOptions say how a backup is made; the zero value works.
type BackupOptions struct {
	// Progress is told how many bytes the backup has, and about how many it will have. It is called by one goroutine at a
	// time, not always the same, and must not block. nil: nobody is told.
	Progress func(done, total int64)
}

// BackupReport says what a backup holds.
type BackupReport struct {
	// LSN is that of the state: the last commit that is in the backup.
	LSN LSN
	// Files and Bytes are those of the backup; Linked of the files share their bytes with the database.
	Files, Linked int
	Bytes         int64
}
