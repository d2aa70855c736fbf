package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/laminadb/lamina/table"
)

// storageFlags say how the tables of a database in a directory are kept.
type storageFlags struct {
	method      string
	deltaRows   int
	segmentRows int
	memtable    size
	logLimit    size
}

func (o *storageFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.method, "access-method", "", "of tables that name none: columnar (the default), lsm or memory")
	f.IntVar(&o.deltaRows, "delta-rows", 0, "rows of a columnar table in memory at which they become a segment (default 1048576)")
	f.IntVar(&o.segmentRows, "segment-rows", 0, "rows of a segment at most (default 1048576)")
	f.Var(&o.memtable, "memtable", "size of a memtable of LSM tables (default 64 MiB); goes with --access-method lsm")
	f.Var(&o.logLimit, "log-limit", "bytes of the log at which a checkpoint is made (default 1 GiB)")
}

// check refuses what does not go together; durable: the database has a directory.
func (o *storageFlags) check(durable bool) error {
	var errs []error
	if o.method != "" && !slices.Contains([]string{"columnar", "lsm", "memory"}, o.method) {
		errs = append(errs, fmt.Errorf("--access-method %s: there are columnar, lsm and memory", o.method))
	}
	if o.deltaRows < 0 || o.segmentRows < 0 {
		errs = append(errs, errors.New("--delta-rows and --segment-rows must not be negative"))
	}
	if o.memtable != 0 && o.method != "lsm" {
		errs = append(errs, errors.New("--memtable goes with --access-method lsm"))
	}
	if o.method == "lsm" && (o.deltaRows != 0 || o.segmentRows != 0) {
		errs = append(errs, errors.New("--delta-rows and --segment-rows do not go with --access-method lsm"))
	}
	if !durable && *o != (storageFlags{}) {
		errs = append(errs, errors.New("a database in memory has no --access-method, and nothing that goes with one"))
	}
	return errors.Join(errs...)
}

// config returns the storage's configuration, nil for the default.
func (o *storageFlags) config() table.Config {
	if *o == (storageFlags{}) {
		return nil
	}
	common := table.Common{LogBytesMax: int64(o.logLimit), DefaultMethod: o.method}
	if common.LogBytesMax > 0 {
		// A checkpoint removes whole files of the log.
		common.LogFileBytes = min(max(common.LogBytesMax/logFilesOfLimit, logFileBytesMin), logFileBytesMax)
	}
	if o.method == "lsm" {
		return table.LSM{Common: common, MemtableBytes: int64(o.memtable)}
	}
	return table.Columnar{Common: common, DeltaRows: o.deltaRows, SegmentRows: o.segmentRows}
}

// A log of limited size is divided into so many files, between these sizes.
const (
	logFilesOfLimit = 4
	logFileBytesMin = 64 << 10
	logFileBytesMax = 16 << 20
)
