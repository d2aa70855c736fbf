package query

import (
	"context"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// alterDatabase is ALTER DATABASE … SET and RESET: it changes the persisted defaults, which are objects of the catalog, so
// that the change is part of the transaction. New sessions start with them.
func (s *Session) alterDatabase(ctx context.Context, tx table.Tx, b *ast.AlterDatabase) error {
	if b.Name != s.o.Database {
		return sqlerr.Newf(sqlerr.InvalidCatalogName, "database %q does not exist", b.Name)
	}
	s.tx.newDefaults = true
	switch c := b.Change.(type) {
	case *ast.Set:
		if c.Default {
			return s.dropDefault(ctx, tx, c.Name)
		}
		return s.persistDefault(ctx, tx, c)
	case *ast.Reset:
		if c.Name != "" {
			return s.dropDefault(ctx, tx, c.Name)
		}
		for _, o := range tx.Schema().List(table.KindSetting) {
			if err := tx.Schema().Drop(ctx, o.Head().ID); err != nil {
				return err
			}
		}
		return nil
	}
	return sqlerr.Unsupported("this change of a database")
}

func (s *Session) persistDefault(ctx context.Context, tx table.Tx, c *ast.Set) error {
	set, err := findSetting(c.Name)
	if err != nil {
		return err
	}
	if set.name == "transaction_isolation" || set.name == "transaction_read_only" || set.name == "transaction_deferrable" {
		return sqlerr.Newf(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed", set.name).
			WithHint("Set default_%s.", set.name)
	}
	value, err := set.checkIn(&s.settings, setValue(set, c))
	if err != nil {
		return err
	}
	_, err = tx.Schema().Create(ctx, &table.SettingDef{Header: table.Header{Kind: table.KindSetting, Name: set.name}, Value: value})
	return err
}

func (s *Session) dropDefault(ctx context.Context, tx table.Tx, name string) error {
	set, err := findSetting(name)
	if err != nil {
		return err
	}
	if o := tx.Schema().Lookup(table.KindSetting, 0, set.name); o != nil {
		return tx.Schema().Drop(ctx, o.Head().ID)
	}
	return nil
}
