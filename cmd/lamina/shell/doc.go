// Package shell runs SQL for people and scripts, as psql does: it cuts input into statements, runs
// them on one session, and prints rows, command tags, notices and errors. COPY FROM STDIN takes the
// lines that follow it.
package shell
