// Package duckpy runs DuckDB in a process of Python, in a virtual environment that it makes: pinned versions of duckdb and pyarrow
// from the package index that pip is configured for. The program that runs there is driver.py, which speaks what package peer does.
package duckpy
