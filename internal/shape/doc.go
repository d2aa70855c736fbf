// Package shape holds the tests of the project's architecture: which package may import which, that
// each has a package comment, how large files and interfaces may grow, and that the documents name what exists. It has no
// code of its own.
package shape
