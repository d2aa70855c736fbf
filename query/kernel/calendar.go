package kernel

// YearOf returns the year of a day, counted from 1970-01-01, of the Gregorian calendar extended in both
// directions; year 0 is 1 BC.
func YearOf(day int64) int64 {
	y, _, _ := civil(day)
	return y
}

// civil splits a day into year, month and day. Years are counted from March 1st of year 0, in eras of 400
// years.
func civil(day int64) (year, month, mday int64) {
	z := day + 719468
	era := z
	if era < 0 {
		era -= 146096
	}
	era /= 146097
	doe := uint64(z - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	mday = int64(doy - (153*mp+2)/5 + 1)
	month = int64(mp) + 3
	if month > 12 {
		month -= 12
	}
	year = int64(yoe) + era*400
	if month <= 2 {
		year++
	}
	return year, month, mday
}

// DatePart is a field of a date.
type DatePart uint8

// The fields.
const (
	Year DatePart = iota
	Month
	Day
)

// Extract sets dst[i] to a field of day a[i]. Years before 1 AD are numbered as by PostgreSQL: 1 BC is -1.
func Extract(part DatePart, dst, a []int64) {
	a = a[:len(dst)]
	switch part {
	case Year:
		for i := range dst {
			y := YearOf(a[i])
			if y <= 0 {
				y--
			}
			dst[i] = y
		}
	case Month:
		for i := range dst {
			_, dst[i], _ = civil(a[i])
		}
	default:
		for i := range dst {
			_, _, dst[i] = civil(a[i])
		}
	}
}
