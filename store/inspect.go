package store

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// CheckpointInfo says what the checkpoint of a directory holds, for inspection.
type CheckpointInfo struct {
	// LSN is that of the state, Time that of its last commit.
	LSN  table.LSN
	Time time.Time
	// Position is where replay of the log begins.
	Position wal.Position
	// Bytes is the size of the file.
	Bytes int64
	// Tiers name the tiers that hold tables and the LSN up to which each is durable without the log.
	Tiers map[string]table.LSN
}

// InspectCheckpoint reads the checkpoint of the directory at path; nil if there is none yet.
func InspectCheckpoint(fs vfs.FS, path string) (*CheckpointInfo, error) {
	name := fs.PathJoin(path, checkpointName)
	b, err := readFile(fs, name)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeCheckpoint(checkpointName, b)
	if err != nil {
		return nil, err
	}
	info := &CheckpointInfo{LSN: c.lsn, Position: c.position, Bytes: int64(len(b)), Tiers: map[string]table.LSN{}}
	if c.time > 0 {
		info.Time = time.UnixMicro(c.time).UTC()
	}
	for _, t := range c.tiers {
		info.Tiers[t.name] = t.durable
	}
	return info, nil
}

// LogDir returns the folder of the log of the directory at path.
func LogDir(fs vfs.FS, path string) string { return fs.PathJoin(path, logName) }
