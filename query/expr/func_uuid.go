package expr

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/laminadb/lamina/types"
)

// uuidFunctions make UUIDs and take them apart.
var uuidFunctions = []entry{
	{"gen_random_uuid() uuid", 3432, safe | volatile, uuidRandom, kernelNone},
	{"uuidv4() uuid", 6428, safe | volatile, uuidRandom, kernelNone},
	{"uuidv7() uuid", 6429, safe | volatile, uuidTime, kernelNone},
	{"uuidv7(interval) uuid", 6430, volatile, uuidTimeShifted, kernelNone},
	{"uuid_extract_timestamp(uuid) timestamptz", 6342, safe, uuidTimestamp, kernelNone},
	{"uuid_extract_version(uuid) int2", 6343, safe, uuidVersion, kernelNone},
}

// newUUID stamps a version and the variant of RFC 9562 on 16 bytes.
func newUUID(b *[16]byte, version byte) types.Datum {
	b[6] = version<<4 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	return types.NewString(types.UUID, string(b[:]))
}

// uuidRandom makes version 4: random bits.
func uuidRandom(*Context, []types.Datum) (types.Datum, error) {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return newUUID(&b, 4), nil
}

// uuidClockStep is how fine the 12 bits of a version 7 UUID below the millisecond count: two UUIDs of a
// process are at least so many nanoseconds apart, so that they ascend.
const uuidClockStep = 1000000/(1<<12) + 1

var uuidClock struct {
	sync.Mutex
	last int64
}

// uuidNanos returns a time of the wall clock that is later than that of the call before.
func uuidNanos() int64 {
	uuidClock.Lock()
	defer uuidClock.Unlock()
	now := max(time.Now().UnixNano(), uuidClock.last+uuidClockStep)
	uuidClock.last = now
	return now
}

// uuidOf makes version 7 of a time: 48 bits of milliseconds, 12 of their fraction, the rest random.
func uuidOf(millis int64, nanos int64) types.Datum {
	var b [16]byte
	rand.Read(b[8:]) //nolint:errcheck // it never fails
	binary.BigEndian.PutUint64(b[:8], uint64(millis)<<16|uint64(nanos)<<12/1000000)
	return newUUID(&b, 7)
}

func uuidTime(*Context, []types.Datum) (types.Datum, error) {
	now := uuidNanos()
	return uuidOf(now/1e6, now%1e6), nil
}

// uuidTimeShifted makes version 7 of the current time plus an interval.
func uuidTimeShifted(ctx *Context, args []types.Datum) (types.Datum, error) {
	now := uuidNanos()
	ts, err := types.TimestampAddInterval(types.NewInt(types.TimestampTZ, now/1000), args[0], ctx.location())
	if err != nil {
		return ts, err
	}
	millis := floorDiv(ts.I, 1000)
	return uuidOf(millis, (ts.I-millis*1000)*1000+now%1000), nil
}

// uuidVersion is NULL of variants that are not RFC 9562's.
func uuidVersion(_ *Context, args []types.Datum) (types.Datum, error) {
	b := args[0].S
	if b[8]&0xc0 != 0x80 {
		return types.NullOf(types.Int2), nil
	}
	return types.NewInt(types.Int2, int64(b[6]>>4)), nil
}

// uuidEpochMicros is 1582-10-15, from where version 1 counts, before 1970 in microseconds.
const uuidEpochMicros = 141427 * microsPerDay

// uuidTimestamp reads the time of versions 1 and 7; it is NULL of others.
func uuidTimestamp(ctx *Context, args []types.Datum) (types.Datum, error) {
	version, _ := uuidVersion(ctx, args)
	b := args[0].S
	switch {
	case version.Valid && version.I == 1:
		ticks := int64(b[6]&0x0f)<<56 | int64(b[7])<<48 | int64(b[4])<<40 | int64(b[5])<<32 |
			int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
		return types.NewInt(types.TimestampTZ, ticks/10-uuidEpochMicros), nil
	case version.Valid && version.I == 7:
		millis := int64(b[0])<<40 | int64(b[1])<<32 | int64(b[2])<<24 | int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5])
		return types.NewInt(types.TimestampTZ, millis*1000), nil
	}
	return types.NullOf(types.TimestampTZ), nil
}
