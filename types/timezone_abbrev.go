package types

import (
	"strings"
	"sync"
	"time"
)

// dynamicAbbreviations are those of PostgreSQL's default list that mean what they meant in a zone at the time.
const dynamicAbbreviations = "art America/Argentina/Buenos_Aires,arst America/Argentina/Buenos_Aires,clt America/Santiago," +
	"gyt America/Guyana,pyt America/Asuncion,vet America/Caracas,davt Antarctica/Davis,mawt Antarctica/Mawson," +
	"amst Asia/Yerevan,anast Asia/Anadyr,anat Asia/Anadyr,azst Asia/Baku,azt Asia/Baku,gest Asia/Tbilisi," +
	"get Asia/Tbilisi,irkst Asia/Irkutsk,irkt Asia/Irkutsk,kgt Asia/Bishkek,krast Asia/Krasnoyarsk," +
	"krat Asia/Krasnoyarsk,lkt Asia/Colombo,magst Asia/Magadan,magt Asia/Magadan,novst Asia/Novosibirsk," +
	"novt Asia/Novosibirsk,omsst Asia/Omsk,omst Asia/Omsk,petst Asia/Kamchatka,pett Asia/Kamchatka," +
	"sgt Asia/Singapore,tmt Asia/Ashgabat,ulat Asia/Ulaanbaatar,vlast Asia/Vladivostok,vlat Asia/Vladivostok," +
	"yakst Asia/Yakutsk,yakt Asia/Yakutsk,yekt Asia/Yekaterinburg,fkst Atlantic/Stanley,fkt Atlantic/Stanley," +
	"lhdt Australia/Lord_Howe,msk Europe/Moscow,volt Europe/Volgograd,iot Indian/Chagos,ckt Pacific/Rarotonga," +
	"easst Pacific/Easter,east Pacific/Easter,kost Pacific/Kosrae,lint Pacific/Kiritimati,nut Pacific/Niue," +
	"tkt Pacific/Fakaofo"

var zoneOfAbbreviation = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, 64)
	for _, e := range strings.Split(dynamicAbbreviations, ",") {
		name, zone, _ := strings.Cut(e, " ")
		m[name] = zone
	}
	return m
})

// abbreviation is what an abbreviation of a zone means: an offset, or the one it had in loc at the time.
type abbreviation struct {
	name   string // in lower case
	offset int
	loc    *time.Location // nil: offset holds always
}

// findAbbreviation looks a lower-case word up: first among the abbreviations that the session's zone has used, then
// in PostgreSQL's list.
func findAbbreviation(word string, session *time.Location) (a abbreviation, ok bool) {
	if len(word) > abbreviationMax {
		return a, false
	}
	a.name = word
	if session != nil && session != time.UTC {
		if offsets := abbreviationsOf(session)[word]; offsets != nil {
			a.offset = offsets[0]
			if len(offsets) > 1 {
				a.loc = session
			}
			return a, true
		}
	}
	if a.offset, ok = zoneByAbbreviation()[word]; ok {
		return a, true
	}
	zone, ok := zoneOfAbbreviation()[word]
	if !ok {
		return a, false
	}
	a.loc, ok = zoneByName(strings.ToLower(zone))
	return a, ok
}

// zoneHistoryEnd ends the walk through a zone's changes: zone files repeat a rule from then on.
var zoneHistoryEnd = time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)

// abbreviationCache maps *time.Location to what abbreviationsOf returns. Locations are few: see zoneCache.
var abbreviationCache sync.Map

// abbreviationsOf returns the offsets that each lower-case abbreviation has had in a zone.
func abbreviationsOf(loc *time.Location) map[string][]int {
	if m, ok := abbreviationCache.Load(loc); ok {
		return m.(map[string][]int)
	}
	m := make(map[string][]int)
	eachPeriod(loc, func(t time.Time) {
		if name, offset := t.Zone(); name != "" && isAlpha(name[0]) {
			addOffset(m, strings.ToLower(name), offset)
		}
	})
	abbreviationCache.Store(loc, m)
	return m
}

// eachPeriod calls fn with a time of every period in which a zone's clocks did not change.
func eachPeriod(loc *time.Location, fn func(time.Time)) {
	for t := time.Unix(-1<<40, 0).In(loc); ; {
		fn(t)
		_, end := t.ZoneBounds()
		if end.IsZero() || end.After(zoneHistoryEnd) {
			return
		}
		t = end
	}
}

// isFixed reports whether a zone has had one offset at all times.
func isFixed(loc *time.Location) bool {
	first, fixed := 0, true
	eachPeriod(loc, func(t time.Time) {
		_, offset := t.Zone()
		if first == 0 {
			first = offset + 1<<20
		}
		fixed = fixed && first == offset+1<<20
	})
	return fixed
}

func addOffset(m map[string][]int, name string, offset int) {
	for _, o := range m[name] {
		if o == offset {
			return
		}
	}
	m[name] = append(m[name], offset)
}

// at returns the offset of the abbreviation at a time: that of its last use in the zone before, else of its first;
// the zone's own if it has not used the abbreviation.
func (a *abbreviation) at(unix int64) int {
	if a.loc == nil {
		return a.offset
	}
	now := time.Unix(unix, 0).In(a.loc)
	if offset, ok := a.search(now, func(t time.Time) (time.Time, bool) {
		start, _ := t.ZoneBounds()
		return start.Add(-time.Second), !start.IsZero()
	}); ok {
		return offset
	}
	if offset, ok := a.search(now, func(t time.Time) (time.Time, bool) {
		_, end := t.ZoneBounds()
		return end, !end.IsZero() && end.Before(zoneHistoryEnd)
	}); ok {
		return offset
	}
	_, offset := now.Zone()
	return offset
}

// search follows next from t to a use of the abbreviation.
func (a *abbreviation) search(t time.Time, next func(time.Time) (time.Time, bool)) (offset int, found bool) {
	for more := true; more; t, more = next(t) {
		if name, offset := t.Zone(); strings.EqualFold(name, a.name) {
			return offset, true
		}
	}
	return 0, false
}

// local is at for a local time.
func (a *abbreviation) local(localSeconds int64) int {
	if a.loc == nil {
		return a.offset
	}
	return a.at(localSeconds - int64(localToUTC(localSeconds, a.loc)))
}
