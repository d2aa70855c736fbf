package tpch

import (
	"strconv"
	"time"
)

// AppendTBL appends the rows of a batch in the text form of dbgen: one line for each row, each
// value followed by '|'. Without trailing the last '|' of a line is left out, the form that COPY
// reads.
func AppendTBL(dst []byte, b Batch, trailing bool) []byte {
	cols := b.Columns()
	for row := range b.Len() {
		for i := range cols {
			dst = append(cols[i].appendText(dst, row), '|')
		}
		if !trailing {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendText appends one value.
func (c *Column) appendText(dst []byte, row int) []byte {
	switch {
	case c.Strings != nil:
		return append(dst, c.Strings.At(row)...)
	case c.Codes != nil:
		return append(dst, c.Codes.At(row)...)
	case c.Kind == Date:
		return appendDay(dst, c.Int32[row])
	case c.Int32 != nil:
		return strconv.AppendInt(dst, int64(c.Int32[row]), 10)
	case c.Kind == BigInt:
		return strconv.AppendInt(dst, c.Int64[row], 10)
	case c.whole:
		return strconv.AppendInt(dst, c.Int64[row]/100, 10)
	}
	return appendHundredths(dst, c.Int64[row])
}

func appendHundredths(dst []byte, v int64) []byte {
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	dst = append(strconv.AppendInt(dst, v/100, 10), '.')
	return append(dst, byte('0'+v/10%10), byte('0'+v%10))
}

// dayText has the text of every date that occurs.
var dayText = func() (text [2557][len(time.DateOnly)]byte) {
	day := time.Unix(startDay*86400, 0).UTC()
	for i := range text {
		copy(text[i][:], day.AddDate(0, 0, i).Format(time.DateOnly))
	}
	return text
}()

func appendDay(dst []byte, day int32) []byte {
	return append(dst, dayText[day-startDay][:]...)
}
