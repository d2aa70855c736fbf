package types

import (
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zone rules for systems that have none

	"github.com/laminadb/lamina/sqlerr"
)

// zoneAbbreviations are PostgreSQL's default abbreviations, in minutes east of UTC: standard and
// daylight saving time.
const (
	standardAbbreviations = "acst 570,act -300,acwst 525,aest 600,aft 270,akst -540,almt 360,amt -240,ast -240,awst 480," +
		"azot -60,bdt 360,bnt 480,bort 480,bot -240,bra -180,brt -180,btt 360,cast 570,cct 480,cet 60," +
		"chast 765,chut 600,cot -300,cst -360,cxt 420,ddut 600,eat 180,eet 120,egt -60,est -300," +
		"fet 180,fjt 720,fnt -120,galt -360,gamt -540,gft -180,gilt 720,gmt 0,hkt 480,hst -600," +
		"ict 420,irt 210,ist 120,jayt 540,jst 540,kst 540,lhst 630,ligt 600,mart -570,met 60,mez 60," +
		"mht 720,mmt 390,mpt 600,mst -420,mut 240,mvt 300,myt 480,nft -210,npt 345,nst -210,nzst 720," +
		"nzt 720,pet -300,pgt 600,pht 480,pkt 300,pmst -180,pont 660,pst -480,pwt 540,ret 240," +
		"sast 120,sct 240,taht -600,tft 300,tjt 300,tot 780,trut 600,tvt 720,uct 0,ut 0,utc 0," +
		"uyt -180,uzt 300,vut 660,wakt 720,wast 420,wat 60,wet 0,wft 720,wgt -180,xjt 360,yapt 600," +
		"z 0,zulu 0"
	daylightAbbreviations = "acdt 630,acsst 630,adt -180,aedt 660,aesst 660,akdt -480,almst 420,awsst 540,azost 0," +
		"bdst 120,brst -120,bst 60,cadt 630,cdt -300,cest 120,cetdst 120,chadt 825,clst -180,edt -240," +
		"eest 180,eetdst 180,egst 0,fjst 780,fnst -60,idt 180,kdt 600,kgst 360,mdt -360,mest 120," +
		"mesz 120,metdst 120,msd 240,must 300,ndt -150,nzdt 780,pdt -420,pkst 360,pmdt -120,pyst -180," +
		"sadt 630,ulast 540,uyst -120,uzst 360,wadt 480,wdt 540,wetdst 60,wgst -120,yekst 360"
)

var zoneByAbbreviation = sync.OnceValue(func() map[string]int {
	m := make(map[string]int, 256)
	for _, list := range []string{standardAbbreviations, daylightAbbreviations} {
		for _, e := range strings.Split(list, ",") {
			name, minutes, _ := strings.Cut(e, " ")
			v, _ := strconv.Atoi(minutes)
			m[name] = v * 60
		}
	}
	return m
})

// zoneCache maps lower-case names of zones to *time.Location. Only names that exist enter it, so it
// is bounded by the zone database.
var zoneCache sync.Map

// Zone is a time zone as AT TIME ZONE names it: a place, or an abbreviation, whose offset may depend on the time.
type Zone struct {
	loc  *time.Location
	abbr *abbreviation
}

// LoadZone returns the zone that name denotes, in any case: an abbreviation such as CET, which the session's zone
// may have used, a name of the zone database, or a POSIX zone such as UTC+3 (which is west of Greenwich). It fails
// with 22023.
func LoadZone(name string, session *time.Location) (Zone, error) {
	key := asciiLower(name)
	if a, ok := findAbbreviation(key, session); ok {
		return Zone{abbr: &a}, nil
	}
	if loc, ok := zoneByName(key); ok {
		return Zone{loc: loc}, nil
	}
	return Zone{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
}

// FixedZone is the zone of an offset in seconds east of UTC.
func FixedZone(offset int) Zone { return Zone{loc: time.FixedZone("", offset)} }

// ZoneIn is the zone of a location.
func ZoneIn(loc *time.Location) Zone { return Zone{loc: loc} }

// Location returns a location that has the zone's offset at a UTC time, in microseconds.
func (z Zone) Location(micros int64) *time.Location {
	if z.abbr == nil {
		return z.loc
	}
	return time.FixedZone(strings.ToUpper(z.abbr.name), z.abbr.at(micros/microsPerSecond))
}

// Rules returns the location whose rules the zone follows: that of an abbreviation whose offset depends on the time.
func (z Zone) Rules() *time.Location {
	if z.abbr != nil && z.abbr.loc != nil {
		return z.abbr.loc
	}
	return z.Location(0)
}

// localLocation is Location for a local time.
func (z Zone) localLocation(micros int64) *time.Location {
	if z.abbr == nil {
		return z.loc
	}
	return time.FixedZone(strings.ToUpper(z.abbr.name), z.abbr.local(micros/microsPerSecond))
}

// SessionZone returns the time zone that a session may have by a name, in any case: of the zone database, a POSIX
// zone, or hours east of UTC. It fails with 22023.
func SessionZone(name string) (*time.Location, error) {
	key := asciiLower(name)
	if hours, err := strconv.ParseFloat(strings.TrimLeft(key, " \t\n\v\f\r"), 64); err == nil {
		if !(hours > -posixOffsetMax-1 && hours < posixOffsetMax+1) {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "UTC timezone offset is out of range.")
		}
		return fixedZone(int(hours * 3600)), nil
	}
	if loc, ok := zoneByName(key); ok {
		_, offset := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
		if offset%60 != 0 {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" appears to use leap seconds", name)
		}
		return loc, nil
	}
	return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
}

// asciiLower folds the letters of ASCII only, as PostgreSQL does with key words.
func asciiLower(s string) string {
	for i := range len(s) {
		if s[i]-'A' <= 'Z'-'A' {
			b := []byte(s)
			for i := range b {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// fixedZone returns a zone named as PostgreSQL names one of a numeric offset.
func fixedZone(offset int) *time.Location {
	east := string(appendOffset(nil, offset))
	west := string(appendOffset(nil, -offset))
	return time.FixedZone("<"+east+">"+west, offset)
}

// zoneByName finds a zone of the database or a POSIX zone by its lower-case name.
func zoneByName(key string) (*time.Location, bool) {
	if loc, ok := zoneCache.Load(key); ok {
		return loc.(*time.Location), true
	}
	if key == "" || strings.Contains(key, "//") || key == "local" || key == "localtime" || len(key) > 64 {
		return nil, false
	}
	loc, err := time.LoadLocation(canonicalZone(key))
	if err != nil {
		return posixZone(key)
	}
	zoneCache.Store(key, loc)
	return loc, true
}

// zoneWords are the parts of zone names that are not spelled as a capital and lower-case letters.
var zoneWords = map[string]string{
	"cet": "CET", "wet": "WET", "mst": "MST", "eet": "EET", "hst": "HST", "est": "EST", "met": "MET",
	"gmt": "GMT", "gmt0": "GMT0", "utc": "UTC", "uct": "UCT", "nz": "NZ", "chat": "CHAT", "gb": "GB",
	"roc": "ROC", "rok": "ROK", "prc": "PRC", "us": "US", "in": "IN", "act": "ACT", "lhi": "LHI",
	"nsw": "NSW", "w": "W", "su": "SU", "est5edt": "EST5EDT", "cst6cdt": "CST6CDT", "mst7mdt": "MST7MDT",
	"pst8pdt": "PST8PDT", "of": "of", "es": "es", "au": "au", "bajanorte": "BajaNorte",
	"bajasur": "BajaSur", "denoronha": "DeNoronha", "easterisland": "EasterIsland",
	"mcmurdo": "McMurdo", "dumontdurville": "DumontDUrville", "comodrivadavia": "ComodRivadavia",
}

// canonicalZone spells a lower-case zone name as the zone database does.
func canonicalZone(key string) string {
	var s strings.Builder
	for len(key) > 0 {
		n := strings.IndexAny(key, "/_-+")
		if n < 0 {
			n = len(key)
		}
		word := key[:n]
		switch w, ok := zoneWords[word]; {
		case ok:
			s.WriteString(w)
		case word != "":
			s.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		if n == len(key) {
			break
		}
		s.WriteByte(key[n])
		key = key[n+1:]
	}
	return s.String()
}

// localToUTC returns the offset east of UTC, in seconds, of a local time in a zone. A time that a
// change of clocks skips is read with the offset before the change, one that occurs twice as the
// second: both PostgreSQL's rule.
func localToUTC(localSeconds int64, loc *time.Location) int {
	if loc == nil || loc == time.UTC {
		return 0
	}
	t := time.Unix(localSeconds-secondsPerDay, 0).In(loc)
	_, before := t.Zone()
	_, end := t.ZoneBounds()
	if end.IsZero() {
		return before
	}
	_, after := end.Zone()
	boundary := end.Unix()
	beforeTime, afterTime := localSeconds-int64(before), localSeconds-int64(after)
	switch {
	case beforeTime < boundary && afterTime < boundary:
		return before
	case beforeTime >= boundary && afterTime >= boundary:
		return after
	case beforeTime > afterTime:
		return before
	}
	return after
}

// OffsetOrZone is LoadZone that reads an offset with a sign as hours east, as the text of a timestamptz has it.
func OffsetOrZone(name string, session *time.Location) (Zone, error) {
	if name == "" || !isDigit(name[0]) && name[0] != '+' && name[0] != '-' {
		return LoadZone(name, session)
	}
	if isDigit(name[0]) {
		return Zone{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid input syntax for type numeric time zone: \"%s\"", name).
			WithHint("Numeric time zones must have \"-\" or \"+\" as first character.")
	}
	switch offset, e := decodeOffset([]byte(name)); e {
	case dtOK:
		return FixedZone(offset), nil
	case dtBadFormat:
		return LoadZone(name, session)
	case dtZoneOverflow:
		return Zone{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "numeric time zone \"%s\" out of range", name)
	default:
		return Zone{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
	}
}

// ZoneOfAbbreviation is LoadZone of an abbreviation only.
func ZoneOfAbbreviation(name string, session *time.Location) (Zone, bool) {
	a, ok := findAbbreviation(asciiLower(name), session)
	return Zone{abbr: &a}, ok
}
