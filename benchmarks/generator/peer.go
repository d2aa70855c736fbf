package generator

import (
	"fmt"

	"github.com/pingcap/go-tpc/tpch/dbgen"

	"github.com/laminadb/lamina/tpch"
)

// loader hashes the rows that go-tpc makes.
type loader struct {
	rows *Rows
	line []byte
	// text appends the lines of an item.
	text func(l *loader, item any)
}

func (l *loader) Load(item any) error {
	l.text(l, item)
	return nil
}

func (l *loader) Flush() error { return nil }

// add hashes one line, without the newline.
func (l *loader) add(format string, args ...any) {
	l.line = fmt.Appendf(l.line[:0], format, args...)
	l.rows.add(l.line)
}

// Peer makes the rows of a whole scale factor with go-tpc. It must run once in a process only: the state is global.
func Peer(scaleFactor int64) (map[tpch.Table]*Rows, error) {
	dbgen.InitDbGen(scaleFactor)
	all := map[tpch.Table]*Rows{}
	loaders := map[dbgen.Table]dbgen.Loader{}
	for _, p := range peers {
		all[p.ours] = &Rows{}
		loaders[p.theirs] = &loader{rows: all[p.ours], text: p.text}
	}
	return all, dbgen.DbGen(loaders, []dbgen.Table{
		dbgen.TOrderLine, dbgen.TSupp, dbgen.TCust, dbgen.TPartPsupp, dbgen.TNation, dbgen.TRegion,
	})
}

// peers are the tables and the text forms of their rows. Lines come with their order, suppliers with their part.
var peers = []struct {
	ours   tpch.Table
	theirs dbgen.Table
	text   func(l *loader, item any)
}{
	{tpch.Region, dbgen.TRegion, func(l *loader, item any) {
		r := item.(*dbgen.Region)
		l.add("%d|%s|%s|", r.Code, r.Text, r.Comment)
	}},
	{tpch.Nation, dbgen.TNation, func(l *loader, item any) {
		n := item.(*dbgen.Nation)
		l.add("%d|%s|%d|%s|", n.Code, n.Text, n.Join, n.Comment)
	}},
	{tpch.Part, dbgen.TPart, func(l *loader, item any) {
		p := item.(*dbgen.Part)
		l.add("%d|%s|%s|%s|%s|%d|%s|%s|%s|", p.PartKey, p.Name, p.Mfgr, p.Brand, p.Type, p.Size, p.Container,
			dbgen.FmtMoney(p.RetailPrice), p.Comment)
	}},
	{tpch.PartSupp, dbgen.TPsupp, func(l *loader, item any) {
		for _, s := range item.(*dbgen.Part).S {
			l.add("%d|%d|%d|%s|%s|", s.PartKey, s.SuppKey, s.Qty, dbgen.FmtMoney(s.SCost), s.Comment)
		}
	}},
	{tpch.Supplier, dbgen.TSupp, func(l *loader, item any) {
		s := item.(*dbgen.Supp)
		l.add("%d|%s|%s|%d|%s|%s|%s|", s.SuppKey, s.Name, s.Address, s.NationCode, s.Phone, dbgen.FmtMoney(s.Acctbal), s.Comment)
	}},
	{tpch.Customer, dbgen.TCust, func(l *loader, item any) {
		c := item.(*dbgen.Cust)
		l.add("%d|%s|%s|%d|%s|%s|%s|%s|", c.CustKey, c.Name, c.Address, c.NationCode, c.Phone, dbgen.FmtMoney(c.Acctbal),
			c.MktSegment, c.Comment)
	}},
	{tpch.Orders, dbgen.TOrder, func(l *loader, item any) {
		o := item.(*dbgen.Order)
		l.add("%d|%d|%c|%s|%s|%s|%s|%d|%s|", o.OKey, o.CustKey, o.Status, dbgen.FmtMoney(o.TotalPrice), o.Date, o.OrderPriority,
			o.Clerk, o.ShipPriority, o.Comment)
	}},
	{tpch.LineItem, dbgen.TLine, func(l *loader, item any) {
		for i := range item.(*dbgen.Order).Lines {
			n := &item.(*dbgen.Order).Lines[i]
			l.add("%d|%d|%d|%d|%d|%s|%s|%s|%c|%c|%s|%s|%s|%s|%s|%s|", n.OKey, n.PartKey, n.SuppKey, n.LCnt, n.Quantity,
				dbgen.FmtMoney(n.EPrice), dbgen.FmtMoney(n.Discount), dbgen.FmtMoney(n.Tax), n.RFlag, n.LStatus, n.SDate, n.CDate,
				n.RDate, n.ShipInstruct, n.ShipMode, n.Comment)
		}
	}},
}
