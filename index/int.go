package index

import "github.com/laminadb/lamina/types"

// Int returns the integer of a kind whose encoding is a whole key; false if the key is none of that kind.
func Int(key []byte, k types.Kind) (x int64, ok bool) {
	switch k {
	case types.Bool:
		if ok = len(key) == 1; ok {
			x = int64(key[0])
		}
	case types.Int2:
		if ok = len(key) == 2; ok {
			x = int64(int16(be.Uint16(key) ^ 1<<15))
		}
	case types.Int4, types.Date:
		if ok = len(key) == 4; ok {
			x = int64(int32(be.Uint32(key) ^ 1<<31))
		}
	case types.OID:
		if ok = len(key) == 4; ok {
			x = int64(be.Uint32(key))
		}
	default:
		if ok = len(key) == 8 && k.Class() == types.ClassInt; ok {
			x = int64(be.Uint64(key) ^ 1<<63)
		}
	}
	return x, ok
}
