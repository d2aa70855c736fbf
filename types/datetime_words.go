package types

// dtType says what a word in date and time text means.
type dtType uint8

const (
	wordUnknown  dtType = iota
	wordReserved        // now, today, infinity …
	wordMonth
	wordWeekday
	wordAMPM
	wordEra
	wordDaylight // dst: an hour more
	wordUnit     // names the field that follows it
	wordISOTime  // t: a time follows
	wordIgnored  // at, on
)

// Values of reserved words, units and eras.
const (
	valNow = iota + 1
	valToday
	valTomorrow
	valYesterday
	valZulu
	valEpoch
	valInfinity
	valNegInfinity

	valJulian
	valTime
	valOtherUnit

	valAM
	valPM

	valAD
	valBC
)

type dateWord struct {
	typ dtType
	val int
}

// dateWords are the words of dates and times besides zone abbreviations.
var dateWords = map[string]dateWord{
	"now": {wordReserved, valNow}, "today": {wordReserved, valToday},
	"tomorrow": {wordReserved, valTomorrow}, "yesterday": {wordReserved, valYesterday},
	"allballs": {wordReserved, valZulu}, "epoch": {wordReserved, valEpoch},
	"infinity": {wordReserved, valInfinity}, "+infinity": {wordReserved, valInfinity},
	"-infinity": {wordReserved, valNegInfinity},
	"jan":       {wordMonth, 1}, "january": {wordMonth, 1}, "feb": {wordMonth, 2}, "february": {wordMonth, 2},
	"mar": {wordMonth, 3}, "march": {wordMonth, 3}, "apr": {wordMonth, 4}, "april": {wordMonth, 4},
	"may": {wordMonth, 5}, "jun": {wordMonth, 6}, "june": {wordMonth, 6}, "jul": {wordMonth, 7},
	"july": {wordMonth, 7}, "aug": {wordMonth, 8}, "august": {wordMonth, 8}, "sep": {wordMonth, 9},
	"sept": {wordMonth, 9}, "september": {wordMonth, 9}, "oct": {wordMonth, 10}, "october": {wordMonth, 10},
	"nov": {wordMonth, 11}, "november": {wordMonth, 11}, "dec": {wordMonth, 12}, "december": {wordMonth, 12},
	"sun": {wordWeekday, 0}, "sunday": {wordWeekday, 0}, "mon": {wordWeekday, 1}, "monday": {wordWeekday, 1},
	"tue": {wordWeekday, 2}, "tues": {wordWeekday, 2}, "tuesday": {wordWeekday, 2},
	"wed": {wordWeekday, 3}, "weds": {wordWeekday, 3}, "wednesday": {wordWeekday, 3},
	"thu": {wordWeekday, 4}, "thur": {wordWeekday, 4}, "thurs": {wordWeekday, 4}, "thursday": {wordWeekday, 4},
	"fri": {wordWeekday, 5}, "friday": {wordWeekday, 5}, "sat": {wordWeekday, 6}, "saturday": {wordWeekday, 6},
	"am": {wordAMPM, valAM}, "pm": {wordAMPM, valPM}, "ad": {wordEra, valAD}, "bc": {wordEra, valBC},
	"at": {wordIgnored, 0}, "on": {wordIgnored, 0}, "dst": {wordDaylight, 3600}, "t": {wordISOTime, valTime},
	"j": {wordUnit, valJulian}, "jd": {wordUnit, valJulian}, "julian": {wordUnit, valJulian},
	"d": {wordUnit, valOtherUnit}, "dow": {wordUnit, valOtherUnit}, "doy": {wordUnit, valOtherUnit},
	"h": {wordUnit, valOtherUnit}, "isodow": {wordUnit, valOtherUnit}, "isoyear": {wordUnit, valOtherUnit},
	"m": {wordUnit, valOtherUnit}, "mm": {wordUnit, valOtherUnit}, "s": {wordUnit, valOtherUnit},
	"y": {wordUnit, valOtherUnit},
}
