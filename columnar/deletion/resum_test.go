package deletion_test

import (
	"encoding/binary"
	"hash/crc32"
)

// resum makes the checksum of an encoded vector right.
func resum(b []byte) []byte {
	n := len(b) - 4
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
