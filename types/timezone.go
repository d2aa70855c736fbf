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
	standardAbbreviations = "acst 570,act -300,acwst 525,aest 600,aft 270,akst -540,almt 360,amst 240," +
		"amt -240,anast 720,anat 720,arst -180,art -180,ast -240,awst 480,azot -60,azst 240,azt 240," +
		"bdt 360,bnt 480,bort 480,bot -240,bra -180,brt -180,btt 360,cast 570,cct 480,cet 60,chast 765," +
		"chut 600,ckt -600,cot -300,cst -360,cxt 420,davt 420,ddut 600,eat 180,eet 120,egt -60,est -300," +
		"fet 180,fjt 720,fkst -180,fkt -180,fnt -120,galt -360,gamt -540,gest 240,get 240,gft -180," +
		"gilt 720,gmt 0,gyt -240,hkt 480,hst -600,ict 420,iot 360,irkst 480,irkt 480,irt 210,ist 120," +
		"jayt 540,jst 540,kgt 360,kost 660,krast 420,krat 420,kst 540,lhst 630,ligt 600,lint 840,lkt 330," +
		"magst 660,magt 660,mart -570,mawt 300,met 60,mez 60,mht 720,mmt 390,mpt 600,msk 180,mst -420," +
		"mut 240,mvt 300,myt 480,nft -210,novst 420,novt 420,npt 345,nst -210,nut -660,nzst 720,nzt 720," +
		"omsst 360,omst 360,pet -300,petst 720,pett 720,pgt 600,pht 480,pkt 300,pmst -180,pont 660," +
		"pst -480,pwt 540,pyt -180,ret 240,sast 120,sct 240,sgt 480,taht -600,tft 300,tjt 300,tkt 780," +
		"tmt 300,tot 780,trut 600,tvt 720,uct 0,ulat 480,ut 0,utc 0,uyt -180,uzt 300,vet -240,vlast 600," +
		"vlat 600,volt 180,vut 660,wakt 720,wast 420,wat 60,wet 0,wft 720,wgt -180,xjt 360,yakst 540," +
		"yakt 540,yapt 600,yekt 300,z 0,zulu 0"
	daylightAbbreviations = "acdt 630,acsst 630,adt -180,aedt 660,aesst 660,akdt -480,almst 420,awsst 540," +
		"azost 0,bdst 120,brst -120,bst 60,cadt 630,cdt -300,cest 120,cetdst 120,chadt 825,clst -180," +
		"clt -180,easst -300,east -300,edt -240,eest 180,eetdst 180,egst 0,fjst 780,fnst -60,idt 180," +
		"kdt 600,kgst 360,lhdt 660,mdt -360,mest 120,mesz 120,metdst 120,msd 240,must 300,ndt -150," +
		"nzdt 780,pdt -420,pkst 360,pmdt -120,pyst -180,sadt 630,ulast 540,uyst -120,uzst 360,wadt 480," +
		"wdt 540,wetdst 60,wgst -120,yekst 360"
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

// LoadZone returns the time zone that name denotes, in any case: a name of the zone database, an
// abbreviation such as CET, a POSIX zone without rules such as UTC+3 (which is west of Greenwich),
// or an offset such as -08:00 or 5.5 (hours east). It fails with 22023.
func LoadZone(name string) (*time.Location, error) {
	key := strings.ToLower(strings.TrimSpace(name))
	if loc, ok := zoneByName(key); ok {
		return loc, nil
	}
	if offset, ok := zoneByAbbreviation()[key]; ok {
		return time.FixedZone(strings.ToUpper(key), offset), nil
	}
	if hours, err := strconv.ParseFloat(key, 64); err == nil && hours >= -167 && hours <= 167 {
		return fixedZone(int(hours * 3600)), nil
	}
	if len(key) > 0 && (key[0] == '+' || key[0] == '-') {
		if offset, e := decodeOffset([]byte(key)); e == dtOK {
			return fixedZone(offset), nil
		}
	}
	return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
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
	if key == "" || key == "local" || key == "localtime" || len(key) > 64 {
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

// posixZone reads an abbreviation and an offset that is positive to the west.
func posixZone(key string) (*time.Location, bool) {
	n := 0
	for n < len(key) && key[n] >= 'a' && key[n] <= 'z' {
		n++
	}
	rest := key[n:]
	if n == 0 || rest == "" {
		return nil, false
	}
	if rest[0] != '+' && rest[0] != '-' {
		rest = "+" + rest
	}
	west, e := decodeOffset([]byte(rest))
	if e != dtOK {
		return nil, false
	}
	return time.FixedZone(strings.ToUpper(key[:n]), -west), true
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
