package expr

import (
	"math/bits"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// bitIndex checks the number of a bit of a bytea: bit 0 is the lowest of the first byte.
func bitIndex(s string, n int64) error {
	if n < 0 || n >= int64(len(s))*8 {
		return sqlerr.Newf("2202E", "index %d out of valid range, 0..%d", n, int64(len(s))*8-1)
	}
	return nil
}

func getBit(_ *Context, args []types.Datum) (types.Datum, error) {
	s, n := args[0].S, args[1].I
	if err := bitIndex(s, n); err != nil {
		return types.Datum{}, err
	}
	return types.NewInt(types.Int4, int64(s[n/8]>>(n%8)&1)), nil
}

func setBit(_ *Context, args []types.Datum) (types.Datum, error) {
	s, n, v := args[0].S, args[1].I, args[2].I
	if err := bitIndex(s, n); err != nil {
		return types.Datum{}, err
	}
	if v != 0 && v != 1 {
		return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "new bit must be 0 or 1")
	}
	b := []byte(s)
	b[n/8] = b[n/8]&^(1<<(n%8)) | byte(v)<<(n%8)
	return newBytea(string(b)), nil
}

func bitCount(_ *Context, args []types.Datum) (types.Datum, error) {
	n := 0
	for i := range len(args[0].S) {
		n += bits.OnesCount8(args[0].S[i])
	}
	return types.NewInt(types.Int8, int64(n)), nil
}
