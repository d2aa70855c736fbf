package tpchload

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/tpch"
)

// Changed counts the rows that Churn wrote.
type Changed struct {
	Updated, Reinserted int64
}

// churned are the tables that Churn changes: a key column that chooses rows, and another column to
// set.
var churned = []struct {
	table    tpch.Table
	key, col string
}{
	{tpch.LineItem, "l_orderkey", "l_quantity"},
	{tpch.Orders, "o_orderkey", "o_totalprice"},
	{tpch.PartSupp, "ps_partkey", "ps_availqty"},
	{tpch.Customer, "c_custkey", "c_acctbal"},
	{tpch.Part, "p_partkey", "p_retailprice"},
}

// helper is the table that rows stay in between deletion and insertion.
const helper = "tpch_reinserted"

// Churn gives 1 % of the rows of the large tables a new version (a column is set to itself), and
// deletes 1 % and inserts them again, each table in one transaction. The tables hold the same rows
// before and after.
func Churn(ctx context.Context, db *lamina.DB, tier string) (Changed, error) {
	var c Changed
	for _, t := range churned {
		r, err := db.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s %% 100 = 37", t.table, t.col, t.col, t.key))
		if err != nil {
			return c, fmt.Errorf("update 1 %% of %s: %w", t.table, err)
		}
		c.Updated += r.RowsAffected
		n, err := reinsert(ctx, db, t.table.Name(), t.key, tier)
		if err != nil {
			return c, fmt.Errorf("delete and insert 1 %% of %s: %w", t.table, err)
		}
		c.Reinserted += n
	}
	if c.Updated == 0 || c.Reinserted == 0 {
		return c, fmt.Errorf("%d rows were updated and %d inserted again: too few to prove anything", c.Updated, c.Reinserted)
	}
	return c, nil
}

func reinsert(ctx context.Context, db *lamina.DB, name, key, tier string) (rows int64, err error) {
	where := key + " % 100 = 61"
	using := ""
	if tier != "" {
		using = " USING " + tier
	}
	err = db.RunTx(ctx, table.TxOptions{}, func(tx *lamina.Tx) error {
		counts := make([]int64, 0, 3)
		for _, sql := range []string{
			"CREATE TABLE " + helper + using + " AS SELECT * FROM " + name + " WHERE " + where,
			"DELETE FROM " + name + " WHERE " + where,
			"INSERT INTO " + name + " SELECT * FROM " + helper,
		} {
			r, err := tx.Exec(ctx, sql)
			if err != nil {
				return err
			}
			counts = append(counts, r.RowsAffected)
		}
		if counts[0] != counts[1] || counts[1] != counts[2] {
			return fmt.Errorf("%d rows copied, %d deleted, %d inserted", counts[0], counts[1], counts[2])
		}
		rows = counts[0]
		_, err := tx.Exec(ctx, "DROP TABLE "+helper)
		return err
	})
	return rows, err
}
