// Package tpchload brings the rows of package tpch into a database through the embedding API: the
// columns of the generator become vectors without values in between, and an Appender takes them.
//
// Load can also deliver half of the rows in small transactions, and Churn then rewrites a part of
// the rows, so that queries meet a database as mixed work leaves it. Writers go on beside them, and
// leave every row as it was. Fetch brings answers back as text.
package tpchload
