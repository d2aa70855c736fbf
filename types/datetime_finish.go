package types

// word decodes a word: a month, a zone, now …
func (d *dateTime) word(s []byte) (dtMask, dtError) {
	if a, ok := findAbbreviation(string(s), d.opts.location()); ok {
		if d.opts.NoAbbreviations && (a.loc != nil || a.offset != 0) {
			return 0, dtBadFormat
		}
		if a.loc != nil {
			d.zone, d.abbr = a.loc, &a
		}
		d.offset += a.offset // "dst" may come first
		return seenZone, dtOK
	}
	w := dateWords[string(s)]
	switch w.typ {
	case wordIgnored:
		return 0, dtOK
	case wordReserved:
		return d.reserved(w.val)
	case wordMonth:
		if d.timeOnly {
			return 0, dtBadFormat
		}
		tmask := seenMonth
		// A number taken for the month before this name is the day.
		if d.seen&seenMonth != 0 && !d.textMonth && d.seen&seenDay == 0 && d.month >= 1 && d.month <= 31 {
			d.day = d.month
			tmask = seenDay
		}
		d.textMonth, d.month = true, w.val
		return tmask, dtOK
	case wordDaylight:
		d.offset += w.val
		return seenDaylight, dtOK
	case wordAMPM:
		d.meridiem = w.val
		return seenAMPM, dtOK
	case wordEra:
		d.bc = w.val == valBC
		return seenEra, dtOK
	case wordWeekday:
		if d.timeOnly {
			return 0, dtBadFormat
		}
		return seenWeekday, dtOK
	case wordUnit:
		if d.prefix != 0 {
			return 0, dtBadFormat
		}
		d.prefix = w.val
		return 0, dtOK
	case wordISOTime:
		if d.prefix != 0 || !d.haveDate() {
			return 0, dtBadFormat
		}
		d.prefix = valTime
		return 0, dtOK
	}
	loc, ok := zoneByName(string(s))
	if !ok {
		return 0, dtBadFormat
	}
	d.zone = loc
	return seenZone, dtOK
}

// reserved decodes now, today, infinity …
func (d *dateTime) reserved(val int) (dtMask, dtError) {
	switch val {
	case valZulu:
		d.hour, d.min, d.sec, d.micros, d.offset = 0, 0, 0, 0, 0
		return seenTime | seenZone, dtOK
	case valEpoch, valInfinity, valNegInfinity:
		d.special = val
		return seenDate | seenTime | seenZone, dtOK
	}
	if d.opts.Now.IsZero() {
		d.special = val
		return 0, dtNeedsClock
	}
	now := d.opts.Now.In(d.opts.location())
	switch val {
	case valNow:
		d.hour, d.min, d.sec = now.Clock()
		d.micros = now.Nanosecond() / 1000
		_, d.offset = now.Zone()
	case valTomorrow:
		now = now.AddDate(0, 0, 1)
	case valYesterday:
		now = now.AddDate(0, 0, -1)
	}
	d.year, d.month, d.day = now.Year(), int(now.Month()), now.Day()
	d.julian = true // the year is right as it is
	if val == valNow {
		return seenDate | seenTime | seenZone, dtOK
	}
	return seenDate, dtOK
}

// finish checks the date and time and applies era, am and pm, and the zone.
func (d *dateTime) finish() dtError {
	if d.special != 0 {
		return dtOK
	}
	if e := d.checkDate(); e != dtOK {
		return e
	}
	if d.meridiem != 0 && d.hour > 12 {
		return dtOverflow
	}
	if d.meridiem == valAM && d.hour == 12 {
		d.hour = 0
	} else if d.meridiem == valPM && d.hour != 12 {
		d.hour += 12
	}
	if d.timeOnly {
		return d.finishTime()
	}
	if d.seen&seenDate != seenDate {
		return dtBadFormat
	}
	if d.seen&seenDaylight != 0 && (d.zone != nil || d.seen&seenZone == 0) {
		return dtBadFormat
	}
	return dtOK
}

// finishTime checks a value of type time.
func (d *dateTime) finishTime() dtError {
	switch {
	case d.hour > 24 || d.min > 59 || d.sec > 60 || d.timeMicros() > microsPerDay:
		return dtOverflow
	case d.seen&seenTime != seenTime:
		return dtBadFormat
	case d.zone != nil && d.abbr == nil && d.seen&seenDate != seenDate && !isFixed(d.zone):
		return dtBadFormat // which offset would it be?
	case d.seen&seenDaylight != 0 && (d.zone != nil || d.seen&seenZone == 0):
		return dtBadFormat
	}
	return dtOK
}

func (d *dateTime) timeMicros() int64 {
	return int64(d.hour)*microsPerHour + int64(d.min)*microsPerMinute + int64(d.sec)*microsPerSecond + int64(d.micros)
}

// checkDate completes the year and checks month and day.
func (d *dateTime) checkDate() dtError {
	if d.seen&seenYear != 0 && !d.julian {
		switch {
		case d.year <= 0 && (d.bc || !d.twoDigits):
			return dtOverflow
		case d.bc:
			d.year = 1 - d.year
		case d.twoDigits && d.year < 70:
			d.year += 2000
		case d.twoDigits && d.year < 100:
			d.year += 1900
		}
	}
	if d.seen&seenDOY != 0 {
		d.year, d.month, d.day = civilFromDays(daysFromCivil(d.year, 1, 1) + d.yearDay - 1)
	}
	if d.seen&seenMonth != 0 && (d.month < 1 || d.month > 12) {
		return dtOverflowMD
	}
	if d.seen&seenDay != 0 && (d.day < 1 || d.day > 31) {
		return dtOverflowMD
	}
	if d.seen&seenDate == seenDate && d.day > daysInMonth(d.year, d.month) {
		return dtOverflow
	}
	return dtOK
}
