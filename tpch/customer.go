package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// CustomerBatch has rows of customer.
type CustomerBatch struct {
	CustKey    []int64
	Name       Strings
	Address    Strings
	NationKey  []int64
	Phone      Strings
	AcctBal    []int64 // hundredths
	MktSegment Codes
	Comment    Strings

	reader textpool.Reader
}

// Table returns Customer.
func (b *CustomerBatch) Table() Table { return Customer }

// Len returns the number of rows.
func (b *CustomerBatch) Len() int { return len(b.CustKey) }

// Columns returns the columns in table order.
func (b *CustomerBatch) Columns() []Column {
	return columns(Customer, b.CustKey, &b.Name, &b.Address, b.NationKey, &b.Phone, b.AcctBal,
		&b.MktSegment, &b.Comment)
}

func (b *CustomerBatch) reset() {
	b.CustKey, b.NationKey, b.AcctBal = b.CustKey[:0], b.NationKey[:0], b.AcctBal[:0]
	b.Name.reset()
	b.Address.reset()
	b.Phone.reset()
	b.MktSegment.reset(segments)
	b.Comment.reset()
}

var (
	customerAddress = stream{881155353, addressDraws}
	customerNation  = stream{1489529863, 1}
	customerPhone   = stream{1521138112, 3}
	customerBalance = stream{298370230, 1}
	customerSegment = stream{1140279430, 1}
	customerComment = stream{1335826707, 2}
)

// Customer fills b with n rows from row first.
func (g *Generator) Customer(first, n int64, b *CustomerBatch) error {
	if err := g.check(Customer, first, n); err != nil {
		return err
	}
	b.reset()
	text := g.comments(&b.reader)
	address, nation, phone := customerAddress.at(first), customerNation.at(first), customerPhone.at(first)
	balance, segment, comment := customerBalance.at(first), customerSegment.at(first), customerComment.at(first)
	for key := first + 1; key <= first+n; key++ {
		b.CustKey = append(b.CustKey, key)
		appendNumbered(&b.Name, "Customer#", key)
		appendAddress(&b.Address, &address)
		at := int64(nation.index(len(nationNames)))
		b.NationKey = append(b.NationKey, at)
		appendPhone(&b.Phone, &phone, at)
		b.AcctBal = append(b.AcctBal, balance.between(balanceMin, balanceMax))
		b.MktSegment.Code = append(b.MktSegment.Code, uint8(segment.index(len(segments))))
		text.append(&b.Comment, &comment, customerCommentLength)
	}
	return nil
}
