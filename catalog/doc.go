// Package catalog maps names to schema objects, in versions.
//
// A Catalog is an immutable state: the objects, their names, and those earlier definitions of tables
// that log entries may still refer to. Each published View holds one. Changes derive the next
// Catalog from it (Apply) and share all that stays the same.
//
// An Overlay is the catalog as one transaction sees it: a Catalog and the transaction's own changes
// on top of it, in order. Marks in that list are what savepoints and statement rollback return to.
// The list, encoded by AppendChanges, travels in the transaction's commit record; replaying it gives
// the same Catalog on every node, because the changes carry complete definitions with the IDs that
// were drawn when they were made. The bytes are described in docs/format/catalog.md.
//
// # Names
//
// Tables, views and indexes share the name space of relations in their schema. Schemas, extensions and
// settings have one name space each. The index behind a primary key or UNIQUE constraint is an object
// of its own (table.IndexDef), which the overlay keeps in step with its table.
//
// # Concurrency
//
// A Catalog may be read from any goroutine. An Overlay belongs to its transaction. Nothing here locks
// objects against other transactions: that is done by package store, before it changes an Overlay.
package catalog
