// Package logictest runs SQL tests that are files: testdata/logictest/**.slt. The same files run on Lamina, in an array
// of configurations, and on PostgreSQL, which is where their expected results come from.
//
// # Files
//
// A file is a list of records with a blank line between them. A line that begins with # is a comment; the first one says
// what the file shows. Each file runs in a database of its own. A record is some lines of conditions, a directive,
// SQL, and what is expected:
//
//	statement ok 2
//	INSERT INTO t VALUES (1, 'a'), (2, NULL)
//
//	query int4,text rowsort
//	SELECT a, b FROM t
//	----
//	1|a
//	2|NULL
//
//	statement error 22012@10 division by zero
//	SELECT 1 / 0
//
// The directives are:
//
//	statement ok [ROWS]        it succeeds, and its command tag counts ROWS
//	statement error CODE[@POSITION] MESSAGE
//	                           it fails with this SQLSTATE, at this character, and a message that has MESSAGE in it
//	statement blocks           it waits for a lock of another connection; finish says how it ends
//	query TYPES [rowsort] [colnames]
//	                           it answers columns of these types (pg_type names) and these rows: in this order, or
//	                           with rowsort in any. colnames: the first line has the names of the columns
//	copy ok ROWS               COPY … FROM STDIN, whose input stands below ----; also: copy error CODE MESSAGE
//	finish ok, error, query    ends what blocks has begun on the connection
//	file NAME                  writes what stands below ---- to a file, {dir}/NAME in SQL
//
// A value is printed as PostgreSQL prints it, NULL as NULL; a text that could be mistaken (empty, with | or control
// characters, NULL) is quoted as in Go. Words between the directive's name and its expectation change how it is read:
//
//	multi                      the text may have several statements (simple protocol only)
//	may-succeed                PostgreSQL raises this error, in a row that Lamina need not evaluate: success is
//	                           right too. This is the only allowed difference of outcomes
//
// The conditions, each on a line of its own before the directive:
//
//	conn NAME                  the connection; without it the connection is main
//	skipif FEATURE             Lamina does not have the feature (feature.go lists them, with reasons): it must fail with
//	                           the feature's SQLSTATE, while PostgreSQL answers what is written
//	onlyif lamina|postgres|memory|columnar|lsm REASON
//	                           only this system runs the record, or only databases of this tier
//
// {repeat N TEXT} in SQL stands for N times TEXT, without blanks around it.
//
// # Running
//
//	go test ./internal/logictest
//	go test ./internal/logictest -run TestLogic -more 100 -seed 7 random configurations besides the pairwise array
//	go test ./internal/logictest -run TestLogic -each -timeout 2h each strategy forced or off, and each rule of the
//	                                                              optimizer off, one at a time
//	go test ./internal/logictest -run TestLogic/join -v           one file or folder
//	go test ./internal/logictest -run TestOracle -oracle postgres://user@host:port/postgres
//	                                                              do the files say what PostgreSQL 18 does?
//	go test ./internal/logictest -run TestOracle -oracle … -rewrite
//	                                                              make them say it
//	go test ./internal/logictest -run TestLogic -rewrite          rewrites what only Lamina runs
//	go test ./internal/logictest -run TestRandomOracle -oracle … -seed 7
//	                                                              random queries, compared with PostgreSQL
//	go run ./internal/mutants -campaign postgres://…              finds each of some planted bugs by them
//	go test ./internal/logictest -run TestRandomQueries -campaign 10m -campaign-seed 7 -timeout 20m -v
//	                                                              random queries of new seeds, compared with other forms
//	                                                              of themselves, for as long
//
// # Values
//
// testdata/values/*.tsv hold random and extreme arguments of every operator, function and cast of the catalogue, and
// texts for the input of every type, with PostgreSQL's answers: value, or SQLSTATE and message. TestValues asks for
// each as a constant expression, and for those that succeed as rows of a batch.
//
//	go test ./internal/logictest -run TestValues$
//	go test ./internal/logictest -run TestOracle/values -oracle postgres://… -seed 7
//	                                                              new ones, compared with PostgreSQL
//	go test ./internal/logictest -run TestOracle/values -oracle … -rewrite
//	                                                              makes the files anew
package logictest
