package tpch_test

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/tpch"
)

func ExampleGenerator_Generate() {
	g, err := tpch.New(0.01)
	if err != nil {
		fmt.Println(err)
		return
	}
	opts := tpch.GenerateOptions{Tables: []tpch.Table{tpch.Orders, tpch.LineItem}, BatchUnits: 5000, Ordered: true}
	err = g.Generate(context.Background(), opts, func(_ context.Context, b tpch.Batch, first int64) error {
		fmt.Println(b.Table(), "from order", first, "has", b.Len(), "rows in", len(b.Columns()), "columns")
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// orders from order 0 has 5000 rows in 9 columns
	// lineitem from order 0 has 20060 rows in 16 columns
	// orders from order 5000 has 5000 rows in 9 columns
	// lineitem from order 5000 has 20218 rows in 16 columns
	// orders from order 10000 has 5000 rows in 9 columns
	// lineitem from order 10000 has 19897 rows in 16 columns
}

func ExampleAppendTBL() {
	g, err := tpch.New(0.01)
	if err != nil {
		fmt.Println(err)
		return
	}
	var orders tpch.OrdersBatch
	if err := g.Orders(0, 2, &orders, nil); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", tpch.AppendTBL(nil, &orders, true))
	// Output:
	// 1|370|O|172799.49|1996-01-02|5-LOW|Clerk#000000951|0|nstructions sleep furiously among |
	// 2|781|O|38426.09|1996-12-01|1-URGENT|Clerk#000000880|0| foxes. pending accounts at the pending, silent asymptot|
}

func ExampleCompare() {
	result, _ := tpch.Answer(0.01, 6)
	result.Rows = [][]tpch.Value{{{Text: "1193053.22530"}}}
	fmt.Println(tpch.Compare(0.01, 6, result))
	// Output: query 6 at scale factor 0.01: row 1, column revenue: text: got "1193053.22530", want "1193053.2253"
}
