// Package system makes the relations of pg_catalog, information_schema and lamina.
//
// Their rows are made when a statement that names them is bound: those about schema objects from the catalog as the
// statement's transaction sees it, those about sessions, locks and counters from the present. Names, OIDs and column types
// are PostgreSQL's, columns that mean nothing here have the value that they have there for an ordinary table. What
// PostgreSQL has and Lamina has not (triggers, policies, publications, …) are relations without rows.
package system
