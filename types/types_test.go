package types

import "testing"

func TestCalendar(t *testing.T) {
	for _, c := range []struct{ y, m, d, days int }{
		{1970, 1, 1, 0}, {2000, 3, 1, 11017}, {1969, 12, 31, -1}, {-4713, 11, 24, dateMin},
		{5874897, 12, 31, dateMax}, {0, 2, 29, -719469},
	} {
		if got := daysFromCivil(c.y, c.m, c.d); got != c.days {
			t.Errorf("daysFromCivil(%d,%d,%d) = %d, want %d", c.y, c.m, c.d, got, c.days)
		}
		if y, m, d := civilFromDays(c.days); y != c.y || m != c.m || d != c.d {
			t.Errorf("civilFromDays(%d) = %d,%d,%d", c.days, y, m, d)
		}
	}
}
