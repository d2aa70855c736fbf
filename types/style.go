package types

// DateStyle is the form in which dates and timestamps are shown.
type DateStyle uint8

// The date styles.
const (
	DateISO      DateStyle = iota // 1997-12-17 07:37:16-08
	DatePostgres                  // Wed Dec 17 07:37:16 1997 PST
	DateSQL                       // 12/17/1997 07:37:16.00 PST
	DateGerman                    // 17.12.1997 07:37:16.00 PST
)

// IntervalStyle is the form in which intervals are shown.
type IntervalStyle uint8

// The interval styles.
const (
	IntervalPostgres        IntervalStyle = iota // 1 year 2 mons 3 days 04:05:06
	IntervalPostgresVerbose                      // @ 1 year 2 mons 3 days 4 hours 5 mins 6 secs
	IntervalSQLStandard                          // +1-2 +3 +4:05:06
	IntervalISO8601                              // P1Y2M3DT4H5M6S
)
