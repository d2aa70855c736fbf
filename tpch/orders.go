package tpch

import (
	"errors"

	"github.com/laminadb/lamina/tpch/internal/textpool"
)

// OrdersBatch has rows of orders.
type OrdersBatch struct {
	OrderKey      []int64
	CustKey       []int64
	OrderStatus   Codes
	TotalPrice    []int64 // hundredths
	OrderDate     []int32 // days since 1970-01-01
	OrderPriority Codes
	Clerk         Strings
	ShipPriority  []int32
	Comment       Strings

	reader textpool.Reader
	lines  *LineItemBatch // for calls that do not ask for the lines
}

// Table returns Orders.
func (b *OrdersBatch) Table() Table { return Orders }

// Len returns the number of rows.
func (b *OrdersBatch) Len() int { return len(b.OrderKey) }

// Columns returns the columns in table order.
func (b *OrdersBatch) Columns() []Column {
	return columns(Orders, b.OrderKey, b.CustKey, &b.OrderStatus, b.TotalPrice, b.OrderDate,
		&b.OrderPriority, &b.Clerk, b.ShipPriority, &b.Comment)
}

func (b *OrdersBatch) reset() {
	b.OrderKey, b.CustKey, b.TotalPrice = b.OrderKey[:0], b.CustKey[:0], b.TotalPrice[:0]
	b.OrderDate, b.ShipPriority = b.OrderDate[:0], b.ShipPriority[:0]
	b.OrderStatus.reset(orderStatuses)
	b.OrderPriority.reset(priorities)
	b.Clerk.reset()
	b.Comment.reset()
}

var (
	ordersClerk    = stream{1171034773, 1}
	ordersComment  = stream{276090261, 2}
	ordersDate     = stream{1066728069, 1}
	ordersPriority = stream{591449447, 1}
	ordersCustomer = stream{851767375, 1}
	ordersLines    = stream{1434868289, 1}
)

// Dates in days since 1970-01-01.
const (
	startDay       = 8035                  // 1992-01-01
	currentDay     = 9298                  // 1995-06-17
	orderDayMax    = startDay + 2557 - 152 // leaves room for shipping (121) and receipt (30) in 1998
	linesMax       = 7
	shipDaysMax    = 121
	commitDaysMin  = 30
	commitDaysMax  = 90
	receiptDaysMax = 30
)

// Orders fills o with n orders from order first, counted from 0, and l with their lines. One of o
// and l may be nil; asking for both at once saves work.
func (g *Generator) Orders(first, n int64, o *OrdersBatch, l *LineItemBatch) error {
	if err := g.check(Orders, first, n); err != nil {
		return err
	}
	full := l != nil
	if !full {
		if o == nil {
			return errors.New("orders: no batch to fill")
		}
		if o.lines == nil {
			o.lines = new(LineItemBatch)
		}
		l = o.lines
	}
	l.reset()
	l.drawOrders(first, n)
	g.linePrices(first, l)
	l.shipDates(first)
	if full {
		g.lineRest(first, l)
	}
	if o != nil {
		g.orderColumns(first, n, o)
		o.summarize(l)
	}
	return nil
}

// orderKey spreads the keys: of each 32 only the first 8 are used.
func orderKey(order int64) int64 {
	order++ // dbgen counts from 1
	return order>>3<<5 | order&7
}

// orderColumns fills the columns that do not depend on the lines.
func (g *Generator) orderColumns(first, n int64, o *OrdersBatch) {
	o.reset()
	text := g.comments(&o.reader)
	customer, date, priority := ordersCustomer.at(first), ordersDate.at(first), ordersPriority.at(first)
	clerk, comment := ordersClerk.at(first), ordersComment.at(first)
	for i := first; i < first+n; i++ {
		o.OrderKey = append(o.OrderKey, orderKey(i))
		o.CustKey = append(o.CustKey, g.orderingCustomer(customer.between(1, g.customers)))
		o.OrderDate = append(o.OrderDate, int32(date.between(startDay, orderDayMax)))
		o.OrderPriority.Code = append(o.OrderPriority.Code, uint8(priority.index(len(priorities))))
		appendNumbered(&o.Clerk, "Clerk#", clerk.between(1, g.clerks))
		o.ShipPriority = append(o.ShipPriority, 0)
		text.append(&o.Comment, &comment, ordersCommentLength)
	}
}

// orderingCustomer replaces a customer whose key is a multiple of 3, who has no orders, by a
// neighbour: the next, or the previous where there is no next.
func (g *Generator) orderingCustomer(key int64) int64 {
	for step := int64(1); key%3 == 0; step = -step {
		key = min(key+step, g.customers)
	}
	return key
}

// summarize derives price and status from the lines.
func (b *OrdersBatch) summarize(l *LineItemBatch) {
	at := 0
	for _, lines := range l.lines {
		total, filled := int64(0), 0
		for i := at; i < at+int(lines); i++ {
			discounted := l.ExtendedPrice[i] * (100 - l.Discount[i]) / 100
			total += discounted * (100 + l.Tax[i]) / 100
			if l.ShipDate[i] <= currentDay {
				filled++
			}
		}
		status := uint8(statusPartial)
		switch filled {
		case 0:
			status = statusOpen
		case int(lines):
			status = statusFilled
		}
		b.TotalPrice = append(b.TotalPrice, total)
		b.OrderStatus.Code = append(b.OrderStatus.Code, status)
		at += int(lines)
	}
}
