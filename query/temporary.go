package query

import (
	"context"
	"fmt"
	"strings"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Temporary relations are ordinary ones in a schema of the session's own, whose name pg_temp stands for. The
// schema is made with the first of them and dropped with its contents when the session ends. What a process
// that died has left is dropped before a session of the next one makes its first.

// temporaryMethod is the access method of a temporary table that names none.
func temporaryMethod(method string) string {
	if method == "" {
		return "memory"
	}
	return method
}

// temporaryName returns the name under which a relation is created: if it is to be temporary, in the session's
// own schema, which is made if need be.
func (s *Session) temporaryName(ctx context.Context, tx table.Tx, p ast.Persistence, n ast.RelName) (ast.RelName, error) {
	own := table.TempSchemaPrefix + fmt.Sprint(s.id)
	asked := n.Schema == "pg_temp" || n.Schema == own
	if path := s.searchPath(); n.Schema == "" && len(path) > 0 && path[0] == "pg_temp" {
		asked = true
	}
	switch {
	case p != ast.Temporary && !asked:
		if strings.HasPrefix(n.Schema, table.TempSchemaPrefix) {
			return n, sqlerr.New(sqlerr.InvalidTableDefinition, "cannot create relations in temporary schemas of other sessions").At(n.Pos())
		}
		return n, nil
	case p == ast.Temporary && n.Schema != "" && !asked:
		return n, sqlerr.New(sqlerr.InvalidTableDefinition, "cannot create temporary relation in non-temporary schema").At(n.Pos())
	}
	if tx.Schema().Lookup(table.KindSchema, 0, own) == nil || s.temp == "" {
		if err := s.sweepTemporary(ctx, tx); err != nil {
			return n, err
		}
		if _, err := tx.Schema().Create(ctx, &table.SchemaDef{Header: table.Header{Kind: table.KindSchema, Name: own}}); err != nil {
			return n, err
		}
	}
	s.temp = own
	n.Schema = own
	return n, nil
}

// sweepTemporary drops the temporary schemas of sessions that are gone.
func (s *Session) sweepTemporary(ctx context.Context, tx table.Tx) error {
	s.e.open.Lock()
	alive := map[string]bool{}
	for id, other := range s.e.open.sessions {
		alive[table.TempSchemaPrefix+fmt.Sprint(id)] = other.id != s.id
	}
	s.e.open.Unlock()
	for _, o := range tx.Schema().List(table.KindSchema) {
		if name := o.Head().Name; strings.HasPrefix(name, table.TempSchemaPrefix) && !alive[name] {
			if err := s.dropSchema(ctx, tx, o.Head().ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) dropSchema(ctx context.Context, tx table.Tx, id table.ObjectID) error {
	if err := s.dropContents(ctx, tx, id); err != nil {
		return err
	}
	return tx.Schema().Drop(ctx, id)
}

// dropTemporary drops the session's temporary relations, in a transaction of its own, when the session ends.
func (s *Session) dropTemporary() error {
	if s.temp == "" {
		return nil
	}
	ctx := context.Background()
	tx, err := s.e.storage.Begin(ctx, table.TxOptions{Async: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after the commit it does nothing
	o := tx.Schema().Lookup(table.KindSchema, 0, s.temp)
	if o == nil {
		return nil
	}
	if err := s.dropSchema(ctx, tx, o.Head().ID); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}

// discardTemporary is DISCARD TEMP: the session's temporary relations are dropped in its transaction.
func (s *Session) discardTemporary(ctx context.Context) error {
	if s.temp == "" {
		return nil
	}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return err
	}
	if o := tx.Schema().Lookup(table.KindSchema, 0, s.temp); o != nil {
		return s.dropContents(ctx, tx, o.Head().ID)
	}
	return nil
}

// planPath is what the meaning of names depends on: the search path, and whose temporary relations come first.
func (s *Session) planPath() string {
	if s.temp == "" {
		return s.settings.hot().searchPath
	}
	return s.temp + "," + s.settings.hot().searchPath
}
