// Package peer drives a database of other authors in a process of its own, by lines of JSON over pipes: a line with what is to be
// done, a line with what came of it. The time of a query is measured in that process, around its execution and the fetching of all
// rows, so that neither the pipe nor JSON counts.
package peer
