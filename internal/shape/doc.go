// Package shape holds the tests of the project's architecture: which package may import which, that
// each has a package comment, and how large files and interfaces may grow. It has no code of its own.
package shape
