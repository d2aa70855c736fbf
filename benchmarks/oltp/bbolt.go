package oltp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// bolt is a bbolt database: keys in big-endian order, values that hold the other columns one after the other.
type bolt struct {
	db      *bbolt.DB
	held    *bbolt.Tx
	bucket  *bbolt.Bucket // in held
	row     boltRow
	gotBack string
}

// boltRow is a row as Lamina's reader hands it out: values that stay when the transaction ends.
type boltRow struct {
	a int64
	b float64
	c string
}

// boltBucket holds the rows.
var boltBucket = []byte("t")

// boltFillRows is the number of rows of one transaction of the filling.
const boltFillRows = 50_000

func openBolt(dir string, rows int64) (b *bolt, err error) {
	b = &bolt{}
	if b.db, err = bbolt.Open(filepath.Join(dir, "bbolt.db"), 0o644, nil); err != nil {
		return nil, err
	}
	if err := b.fill(rows); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if b.db.NoSync || b.db.NoGrowSync {
		return nil, errors.Join(errors.New("bbolt: commits do not wait for the disk"), b.close())
	}
	b.gotBack = fmt.Sprintf("bbolt %s: NoSync=%v, NoGrowSync=%v, NoFreelistSync=%v, FreelistType=%s, page size %d",
		version("go.etcd.io/bbolt"), b.db.NoSync, b.db.NoGrowSync, b.db.NoFreelistSync, b.db.FreelistType, b.db.Info().PageSize)
	return b, nil
}

// version returns that of a module that this program was built with.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	for i := 0; ok && i < len(info.Deps); i++ {
		if info.Deps[i].Path == module {
			return info.Deps[i].Version
		}
	}
	return "of an unknown version"
}

func boltKey(id int64) (k [8]byte) {
	binary.BigEndian.PutUint64(k[:], uint64(id))
	return k
}

func boltValue(dst []byte, id int64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(id))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(0.5))
	return append(dst, payload...)
}

func (b *bolt) fill(rows int64) error {
	for from := int64(1); from <= rows; from += boltFillRows {
		err := b.db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists(boltBucket)
			if err != nil {
				return err
			}
			bucket.FillPercent = 0.9 // the keys ascend
			for id := from; id < from+boltFillRows && id <= rows; id++ {
				k := boltKey(id)
				if err := bucket.Put(k[:], boltValue(nil, id)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// insertOne inserts a row in a durable transaction.
func (b *bolt) insertOne(id int64) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		k := boltKey(id)
		return tx.Bucket(boltBucket).Put(k[:], boltValue(nil, id))
	})
}

// hold opens a snapshot for the gets.
func (b *bolt) hold() (err error) {
	if b.held, err = b.db.Begin(false); err != nil {
		return err
	}
	b.bucket = b.held.Bucket(boltBucket)
	return nil
}

func (b *bolt) release() error {
	tx := b.held
	b.held, b.bucket = nil, nil
	if tx == nil {
		return nil
	}
	return tx.Rollback()
}

func (b *bolt) getHeld(id int64) error { return b.get(b.bucket, id) }

// getFresh reads a row at a snapshot of its own.
func (b *bolt) getFresh(id int64) error {
	return b.db.View(func(tx *bbolt.Tx) error { return b.get(tx.Bucket(boltBucket), id) })
}

// get reads a row and takes it apart.
func (b *bolt) get(bucket *bbolt.Bucket, id int64) error {
	k := boltKey(id)
	v := bucket.Get(k[:])
	if len(v) < 16 {
		return fmt.Errorf("bbolt: row %d: read %q", id, v)
	}
	b.row = boltRow{int64(binary.LittleEndian.Uint64(v)), math.Float64frombits(binary.LittleEndian.Uint64(v[8:])), string(v[16:])}
	return checkRow(id, b.row.a, b.row.c)
}

func (b *bolt) close() error { return errors.Join(b.release(), b.db.Close()) }
