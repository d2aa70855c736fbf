package types

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// posixOffsetMax bounds the hours of an offset in a POSIX zone: a week.
const posixOffsetMax = 24*7 - 1

// defaultDaylightRule is when daylight saving time is in force in a POSIX zone that does not say it.
const defaultDaylightRule = ",M3.2.0,M11.1.0"

// posixZone reads a zone written as POSIX does, in lower case: a name, an offset that is positive to the west,
// and, where clocks change, a second name, its offset and the rule. As in PostgreSQL, names may be empty.
func posixZone(key string) (*time.Location, bool) {
	name := strings.ToUpper(key)
	std, rest, ok := posixName(name)
	if !ok {
		return nil, false
	}
	west, rest, ok := posixOffset(rest)
	if !ok {
		return nil, false
	}
	if rest == "" {
		return time.FixedZone(posixLabel(name, std), -west), true
	}
	dst, rest, ok := posixName(rest)
	if !ok || dst == "" {
		return nil, false
	}
	dstWest := west - 3600
	if rest != "" && rest[0] != ',' && rest[0] != ';' {
		if dstWest, rest, ok = posixOffset(rest); !ok {
			return nil, false
		}
	}
	if rest == "" {
		rest = defaultDaylightRule
	}
	if rest[0] != ',' && rest[0] != ';' {
		return nil, false
	}
	rule := posixTerm(std, west) + posixTerm(dst, dstWest) + "," + rest[1:]
	return ruleZone(name, std, west, rule)
}

// posixLabel is the abbreviation of a zone without rules.
func posixLabel(name, std string) string {
	if name[0] == '<' || std == "" {
		return name
	}
	return std
}

// posixName cuts the name of a zone, quoted or up to a digit or sign.
func posixName(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, "<") {
		name, rest, ok = strings.Cut(s[1:], ">")
		return name, rest, ok
	}
	n := strings.IndexAny(s, "0123456789,+-")
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:], true
}

// posixOffset cuts an offset: hours, and minutes and seconds after colons.
func posixOffset(s string) (seconds int, rest string, ok bool) {
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	limits := [3]int{posixOffsetMax, 59, 60}
	scale := 3600
	for i, limit := range limits {
		v, n := 0, 0
		for n < len(s) && isDigit(s[n]) {
			if v = v*10 + int(s[n]-'0'); v > limit {
				return 0, "", false
			}
			n++
		}
		if n == 0 {
			return 0, "", false
		}
		seconds += v * scale
		scale /= 60
		if s = s[n:]; s == "" || s[0] != ':' || i == 2 {
			break
		}
		s = s[1:]
	}
	return sign * seconds, s, true
}

// posixTerm spells a name and an offset for the rule of a zone file.
func posixTerm(name string, west int) string {
	for len(name) < 3 { // shorter ones are no names there
		name += "_"
	}
	sign := ""
	if west < 0 {
		sign, west = "-", -west
	}
	return fmt.Sprintf("<%s>%s%d:%02d:%02d", name, sign, west/3600, west/60%60, west%60)
}

// ruleZone makes a zone of a rule alone, by way of the zone files' format (RFC 8536): a file without data of 32
// bits, and one transition in the far past, after which the rule at the end holds.
func ruleZone(name, std string, west int, rule string) (*time.Location, bool) {
	header := func(version byte, times, zones, chars uint32) []byte {
		b := append([]byte("TZif"), version)
		b = append(b, make([]byte, 15)...)
		for _, v := range []uint32{0, 0, 0, times, zones, chars} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	label := std + "\x00"
	b := append(header('2', 0, 1, 1), 0, 0, 0, 0, 0, 0, 0)
	b = append(b, header('2', 1, 1, uint32(len(label)))...)
	b = binary.BigEndian.AppendUint64(b, 1<<63|1<<62)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(int32(-west)))
	b = append(b, 0, 0)
	b = append(b, label...)
	b = append(b, "\n"+rule+"\n"...)
	loc, err := time.LoadLocationFromTZData(name, b)
	if err != nil {
		return nil, false
	}
	_, offset := time.Unix(0, 0).In(loc).Zone()
	_, west2 := time.Unix(180*secondsPerDay, 0).In(loc).Zone()
	return loc, offset == -west || west2 == -west
}
