package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/laminadb/lamina/internal/cli/versus"
)

// The star schema benchmark is that of O'Neil, O'Neil and Chen ("Star Schema Benchmark", revision 3): one table of facts, four of
// dimensions, and four flights of queries. Rows are drawn here, with the distributions of the paper.

// SSB returns the 13 queries.
func SSB(sf float64, seed uint64) (*versus.Workload, error) {
	if !(sf >= 0.001 && sf <= 1000) {
		return nil, errors.New("scale factor of SSB: 0.001 to 1000")
	}
	s := &ssb{seed: seed, orders: int(1.5e6 * sf), customers: int(30_000 * sf), suppliers: max(int(2000*sf), 20), parts: int(200_000 * sf)}
	if sf >= 1 {
		s.parts = int(200_000 * (1 + math.Floor(math.Log2(sf))))
	}
	w := &versus.Workload{Name: "ssb", Title: fmt.Sprintf("Star Schema Benchmark at scale factor %v", sf), Queries: ssbQueries}
	w.Tables = []versus.Table{s.dates(), s.part(), s.place("supplier", "s", s.suppliers), s.place("customer", "c", s.customers), s.lineorder()}
	return w, nil
}

type ssb struct {
	seed                                uint64
	orders, customers, suppliers, parts int
}

func (s *ssb) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, stream)) }

// Days are those of seven years.
var ssbFirst = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)

const ssbDays = 2556

func dayKey(day int) int {
	t := ssbFirst.AddDate(0, 0, day)
	return t.Year()*10000 + int(t.Month())*100 + t.Day()
}

func (s *ssb) dates() versus.Table {
	return versus.Table{
		Name: "dates", Key: []string{"d_datekey"}, Rows: ssbDays,
		Columns: []versus.Column{
			column("d_datekey", "integer"), column("d_date", "varchar(18)"), column("d_dayofweek", "varchar(9)"), column("d_month", "varchar(9)"),
			column("d_year", "integer"), column("d_yearmonthnum", "integer"), column("d_yearmonth", "varchar(7)"),
			column("d_daynuminweek", "integer"), column("d_daynuminmonth", "integer"), column("d_daynuminyear", "integer"),
			column("d_monthnuminyear", "integer"), column("d_weeknuminyear", "integer"), column("d_sellingseason", "varchar(12)"),
			column("d_weekdayfl", "integer"),
		},
		Write: rowsOf(ssbDays, func(l *lines, i int) {
			t := ssbFirst.AddDate(0, 0, i)
			weekday, m := int(t.Weekday()), int(t.Month())
			work := 1
			if weekday == 0 || weekday == 6 {
				work = 0
			}
			l.add(dayKey(i), t.Format("January 2, 2006"), t.Weekday().String(), t.Month().String(), t.Year(), t.Year()*100+m, t.Format("Jan2006"),
				weekday+1, t.Day(), t.YearDay(), m, (t.YearDay()-1)/7+1, []string{"Winter", "Spring", "Summer", "Fall", "Christmas"}[m/3], work)
		}),
	}
}

var (
	ssbColors     = strings.Fields("almond azure beige black blue brown chocolate coral cream cyan gold green grey ivory khaki lemon lime maroon navy olive orange pink plum purple red rose salmon tan white yellow")
	ssbMaterials  = strings.Fields("TIN NICKEL BRASS STEEL COPPER")
	ssbKinds      = strings.Fields("STANDARD SMALL MEDIUM LARGE ECONOMY PROMO")
	ssbContainers = strings.Fields("CASE BOX BAG JAR PACK PKG CAN DRUM")
	ssbSegments   = strings.Fields("AUTOMOBILE BUILDING FURNITURE HOUSEHOLD MACHINERY")
	ssbPriorities = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECI", "5-LOW"}
	ssbModes      = []string{"REG AIR", "AIR", "RAIL", "TRUCK", "MAIL", "FOB", "SHIP"}
	ssbRegions    = []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}
	ssbNations    = [][]string{
		{"ALGERIA", "ETHIOPIA", "KENYA", "MOROCCO", "MOZAMBIQUE"}, {"ARGENTINA", "BRAZIL", "CANADA", "PERU", "UNITED STATES"},
		{"CHINA", "INDIA", "INDONESIA", "JAPAN", "VIETNAM"}, {"FRANCE", "GERMANY", "ROMANIA", "RUSSIA", "UNITED KINGDOM"},
		{"EGYPT", "IRAN", "IRAQ", "JORDAN", "SAUDI ARABIA"},
	}
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func (s *ssb) part() versus.Table {
	r := s.random(1)
	return versus.Table{
		Name: "part", Key: []string{"p_partkey"}, Rows: int64(s.parts),
		Columns: []versus.Column{
			column("p_partkey", "integer"), column("p_name", "varchar(22)"), column("p_mfgr", "varchar(6)"), column("p_category", "varchar(7)"),
			column("p_brand1", "varchar(9)"), column("p_color", "varchar(11)"), column("p_type", "varchar(25)"), column("p_size", "integer"),
			column("p_container", "varchar(10)"),
		},
		Write: rowsOf(s.parts, func(l *lines, i int) {
			mfgr := fmt.Sprintf("MFGR#%d", 1+r.IntN(5))
			category := fmt.Sprintf("%s%d", mfgr, 1+r.IntN(5))
			l.add(i+1, pick(r, ssbColors)+" "+pick(r, ssbColors), mfgr, category, fmt.Sprintf("%s%d", category, 1+r.IntN(40)), pick(r, ssbColors),
				pick(r, ssbKinds)+" "+pick(r, ssbMaterials), 1+r.IntN(50), "SM "+pick(r, ssbContainers))
		}),
	}
}

// place returns the table of customers or suppliers, whose columns begin with a letter.
func (s *ssb) place(name, letter string, n int) versus.Table {
	r := s.random(uint64(letter[0]))
	t := versus.Table{Name: name, Key: []string{letter + "_" + name[:4] + "key"}, Rows: int64(n)}
	t.Columns = []versus.Column{
		column(t.Key[0], "integer"), column(letter+"_name", "varchar(25)"), column(letter+"_address", "varchar(25)"), column(letter+"_city", "varchar(10)"),
		column(letter+"_nation", "varchar(15)"), column(letter+"_region", "varchar(12)"), column(letter+"_phone", "varchar(15)"),
	}
	if letter == "c" {
		t.Columns = append(t.Columns, column("c_mktsegment", "varchar(10)"))
	}
	t.Write = rowsOf(n, func(l *lines, i int) {
		region := r.IntN(len(ssbRegions))
		nation := pick(r, ssbNations[region])
		row := []any{
			i + 1, fmt.Sprintf("%s#%09d", name, i+1), fmt.Sprintf("%016x", r.Uint64()), fmt.Sprintf("%-9.9s%d", nation, r.IntN(10)), nation,
			ssbRegions[region], fmt.Sprintf("%02d-%03d-%03d-%04d", 10+region, r.IntN(1000), r.IntN(1000), r.IntN(10000)),
		}
		if letter == "c" {
			row = append(row, pick(r, ssbSegments))
		}
		l.add(row...)
	})
	return t
}

// lineorder has one to seven lines of each order.
func (s *ssb) lineorder() versus.Table {
	counts := s.random(2)
	rows := 0
	for range s.orders {
		rows += 1 + counts.IntN(7)
	}
	return versus.Table{
		Name: "lineorder", Key: []string{"lo_orderkey", "lo_linenumber"}, Rows: int64(rows),
		Columns: []versus.Column{
			column("lo_orderkey", "bigint"), column("lo_linenumber", "integer"), column("lo_custkey", "integer"), column("lo_partkey", "integer"),
			column("lo_suppkey", "integer"), column("lo_orderdate", "integer"), column("lo_orderpriority", "varchar(15)"),
			column("lo_shippriority", "integer"), column("lo_quantity", "integer"), column("lo_extendedprice", "integer"),
			column("lo_ordtotalprice", "integer"), column("lo_discount", "integer"), column("lo_revenue", "integer"),
			column("lo_supplycost", "integer"), column("lo_tax", "integer"), column("lo_commitdate", "integer"), column("lo_shipmode", "varchar(10)"),
		},
		Write: func(ctx context.Context, w io.Writer) error {
			counts, r := s.random(2), s.random(3)
			return rowsOf(s.orders, func(l *lines, i int) { s.order(l, r, i, 1+counts.IntN(7)) })(ctx, w)
		},
	}
}

func (s *ssb) order(l *lines, r *rand.Rand, i, count int) {
	customer, day, priority := 1+r.IntN(s.customers), r.IntN(ssbDays-150), pick(r, ssbPriorities)
	total := 0
	rows := make([][]any, count)
	for k := range rows {
		part, quantity, discount, tax := 1+r.IntN(s.parts), 1+r.IntN(50), r.IntN(11), r.IntN(9)
		retail := 90_000 + part/10%20_001 + 100*(part%1000)
		price := quantity * retail
		total += price * (100 - discount) / 100 * (100 + tax) / 100
		rows[k] = []any{
			i + 1, k + 1, customer, part, 1 + r.IntN(s.suppliers), dayKey(day), priority, 0, quantity, price, 0, discount, price * (100 - discount) / 100,
			6 * retail / 10, tax, dayKey(day + 30 + r.IntN(61)), pick(r, ssbModes),
		}
	}
	for _, row := range rows {
		row[10] = total
		l.add(row...)
	}
}
