package segment

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Page headers in Thrift's compact protocol: a byte of field number (less the one before) and type, then the value.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI32    = 5
	thriftStruct = 12

	parquetDictionaryPage = 2
	parquetDataPageV2     = 3
)

// appendI32 appends a field that is step above the one before.
func appendI32(b []byte, step int, x int) []byte {
	return binary.AppendVarint(append(b, byte(step<<4|thriftI32)), int64(x))
}

// appendPageHeader appends the header of a data page whose levels and body follow.
func appendPageHeader(b []byte, p *page, body int, compressed bool) []byte {
	b = appendI32(b, 1, parquetDataPageV2)
	b = appendI32(b, 1, int(p.raw+p.levels))
	b = appendI32(b, 1, body+int(p.levels))
	b = append(b, 5<<4|thriftStruct) // field 8
	b = appendI32(b, 1, int(p.rows))
	b = appendI32(b, 1, int(p.nulls))
	b = appendI32(b, 1, int(p.rows))
	b = appendI32(b, 1, int(p.enc))
	b = appendI32(b, 1, int(p.levels))
	b = appendI32(b, 1, 0)
	flag := byte(thriftFalse)
	if compressed {
		flag = thriftTrue
	}
	return append(b, 1<<4|flag, 0, 0)
}

// appendDictionaryHeader appends the header of a dictionary page.
func appendDictionaryHeader(b []byte, raw, packed, entries int) []byte {
	b = appendI32(b, 1, parquetDictionaryPage)
	b = appendI32(b, 1, raw)
	b = appendI32(b, 1, packed)
	b = append(b, 4<<4|thriftStruct) // field 7
	b = appendI32(b, 1, entries)
	b = appendI32(b, 1, encPlain)
	return append(b, 0, 0)
}

var zstdEncoders sync.Map // level → *zstd.Encoder

func zstdEncoder(level int) (*zstd.Encoder, error) {
	if e, ok := zstdEncoders.Load(level); ok {
		return e.(*zstd.Encoder), nil
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd at level %d: %w", level, err)
	}
	first, _ := zstdEncoders.LoadOrStore(level, e)
	return first.(*zstd.Encoder), nil
}

// compress appends the compressed bytes to dst, which is empty.
func compress(dst, src []byte, codec Compression, level int) ([]byte, error) {
	switch codec {
	case CompressionSnappy:
		return snappy.Encode(dst[:cap(dst)], src), nil
	case CompressionZstd:
		e, err := zstdEncoder(level)
		if err != nil {
			return nil, err
		}
		return e.EncodeAll(src, dst), nil
	}
	return append(dst, src...), nil
}
