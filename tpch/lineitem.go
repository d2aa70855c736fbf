package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// LineItemBatch has rows of lineitem.
type LineItemBatch struct {
	OrderKey      []int64
	PartKey       []int64
	SuppKey       []int64
	LineNumber    []int32
	Quantity      []int64 // hundredths, as the next three
	ExtendedPrice []int64
	Discount      []int64
	Tax           []int64
	ReturnFlag    Codes
	LineStatus    Codes
	ShipDate      []int32 // days since 1970-01-01, as the next two
	CommitDate    []int32
	ReceiptDate   []int32
	ShipInstruct  Codes
	ShipMode      Codes
	Comment       Strings

	lines     []uint8 // lines of each order
	orderDate []int32 // date of each order
	reader    textpool.Reader
}

// Table returns LineItem.
func (b *LineItemBatch) Table() Table { return LineItem }

// Len returns the number of rows.
func (b *LineItemBatch) Len() int { return len(b.OrderKey) }

// Columns returns the columns in table order.
func (b *LineItemBatch) Columns() []Column {
	return columns(LineItem, b.OrderKey, b.PartKey, b.SuppKey, b.LineNumber, b.Quantity,
		b.ExtendedPrice, b.Discount, b.Tax, &b.ReturnFlag, &b.LineStatus, b.ShipDate, b.CommitDate,
		b.ReceiptDate, &b.ShipInstruct, &b.ShipMode, &b.Comment)
}

func (b *LineItemBatch) reset() {
	b.OrderKey, b.PartKey, b.SuppKey = b.OrderKey[:0], b.PartKey[:0], b.SuppKey[:0]
	b.LineNumber, b.Quantity, b.ExtendedPrice = b.LineNumber[:0], b.Quantity[:0], b.ExtendedPrice[:0]
	b.Discount, b.Tax, b.ShipDate = b.Discount[:0], b.Tax[:0], b.ShipDate[:0]
	b.CommitDate, b.ReceiptDate = b.CommitDate[:0], b.ReceiptDate[:0]
	b.ReturnFlag.reset(returnFlags)
	b.LineStatus.reset(lineStatuses)
	b.ShipInstruct.reset(instructions)
	b.ShipMode.reset(modes)
	b.Comment.reset()
	b.lines, b.orderDate = b.lines[:0], b.orderDate[:0]
}

// Each order takes the draws of linesMax lines.
var (
	lineQuantity = stream{209208115, linesMax}
	lineDiscount = stream{554590007, linesMax}
	lineTax      = stream{721958466, linesMax}
	lineInstruct = stream{1371272478, linesMax}
	lineMode     = stream{675466456, linesMax}
	linePart     = stream{1808217256, linesMax}
	lineSupplier = stream{2095021727, linesMax}
	lineShip     = stream{1769349045, linesMax}
	lineCommit   = stream{904914315, linesMax}
	lineReceipt  = stream{373135028, linesMax}
	lineReturn   = stream{717419739, linesMax}
	lineComment  = stream{1095462486, 2 * linesMax}
)

// sumLines counts the rows of lineitem.
func (g *Generator) sumLines() int64 {
	count, total := ordersLines.at(0), int64(0)
	for range g.orders {
		total += count.between(1, linesMax)
	}
	return total
}

// drawOrders draws what the lines need to know of their orders.
func (b *LineItemBatch) drawOrders(first, n int64) {
	lines, date := ordersLines.at(first), ordersDate.at(first)
	for range n {
		b.lines = append(b.lines, uint8(lines.between(1, linesMax)))
		b.orderDate = append(b.orderDate, int32(date.between(startDay, orderDayMax)))
	}
}

// linePrices fills what the price of an order depends on.
func (g *Generator) linePrices(first int64, b *LineItemBatch) {
	quantity, discount, tax := lineQuantity.at(first), lineDiscount.at(first), lineTax.at(first)
	part := linePart.at(first)
	for _, lines := range b.lines {
		for range lines {
			q, p := quantity.between(1, 50), part.between(1, g.parts)
			b.Quantity = append(b.Quantity, q*100)
			b.PartKey = append(b.PartKey, p)
			b.ExtendedPrice = append(b.ExtendedPrice, retailPrice(p)*q)
			b.Discount = append(b.Discount, discount.between(0, 10))
			b.Tax = append(b.Tax, tax.between(0, 8))
		}
		unused := linesMax - int(lines)
		quantity.skip(unused)
		discount.skip(unused)
		tax.skip(unused)
		part.skip(unused)
	}
}

// shipDates fills the ship dates, on which the status of an order depends.
func (b *LineItemBatch) shipDates(first int64) {
	ship := lineShip.at(first)
	for i, lines := range b.lines {
		for range lines {
			b.ShipDate = append(b.ShipDate, b.orderDate[i]+int32(ship.between(1, shipDaysMax)))
		}
		ship.skip(linesMax - int(lines))
	}
}

// lineRest fills the columns on which nothing else depends.
func (g *Generator) lineRest(first int64, b *LineItemBatch) {
	g.lineKeys(first, b)
	b.laterDates(first)
	b.returns(first)
	b.shipping(first)
	text, comment := g.comments(&b.reader), lineComment.at(first)
	for _, lines := range b.lines {
		for range lines {
			text.append(&b.Comment, &comment, lineCommentLength)
		}
		comment.skip(2 * (linesMax - int(lines)))
	}
}

func (g *Generator) lineKeys(first int64, b *LineItemBatch) {
	supplier := lineSupplier.at(first)
	at := 0
	for i, lines := range b.lines {
		key := orderKey(first + int64(i))
		for number := range int32(lines) {
			b.OrderKey = append(b.OrderKey, key)
			b.LineNumber = append(b.LineNumber, number+1)
			choice := int64(supplier.index(suppliersPerPart))
			b.SuppKey = append(b.SuppKey, g.supplierOf(b.PartKey[at], choice))
			at++
		}
		supplier.skip(linesMax - int(lines))
	}
}

func (b *LineItemBatch) laterDates(first int64) {
	commit, receipt := lineCommit.at(first), lineReceipt.at(first)
	at := 0
	for i, lines := range b.lines {
		for range lines {
			days := int32(commit.between(commitDaysMin, commitDaysMax))
			b.CommitDate = append(b.CommitDate, b.orderDate[i]+days)
			b.ReceiptDate = append(b.ReceiptDate, b.ShipDate[at]+int32(receipt.between(1, receiptDaysMax)))
			at++
		}
		commit.skip(linesMax - int(lines))
		receipt.skip(linesMax - int(lines))
	}
}

// returns fills the flags that depend on whether a date is past. Only lines that were received draw
// a return flag.
func (b *LineItemBatch) returns(first int64) {
	flag := lineReturn.at(first)
	at := 0
	for _, lines := range b.lines {
		unused := linesMax
		for i := at; i < at+int(lines); i++ {
			returned, status := uint8(returnNone), uint8(statusOpen)
			if b.ReceiptDate[i] <= currentDay {
				returned = uint8(flag.index(returnNone))
				unused--
			}
			if b.ShipDate[i] <= currentDay {
				status = statusFilled
			}
			b.ReturnFlag.Code = append(b.ReturnFlag.Code, returned)
			b.LineStatus.Code = append(b.LineStatus.Code, status)
		}
		flag.skip(unused)
		at += int(lines)
	}
}

func (b *LineItemBatch) shipping(first int64) {
	instruct, mode := lineInstruct.at(first), lineMode.at(first)
	for _, lines := range b.lines {
		for range lines {
			b.ShipInstruct.Code = append(b.ShipInstruct.Code, uint8(instruct.index(len(instructions))))
			b.ShipMode.Code = append(b.ShipMode.Code, uint8(mode.index(len(modes))))
		}
		instruct.skip(linesMax - int(lines))
		mode.skip(linesMax - int(lines))
	}
}
