package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// SupplierBatch has rows of supplier.
type SupplierBatch struct {
	SuppKey   []int64
	Name      Strings
	Address   Strings
	NationKey []int64
	Phone     Strings
	AcctBal   []int64 // hundredths
	Comment   Strings

	reader textpool.Reader
}

// Table returns Supplier.
func (b *SupplierBatch) Table() Table { return Supplier }

// Len returns the number of rows.
func (b *SupplierBatch) Len() int { return len(b.SuppKey) }

// Columns returns the columns in table order.
func (b *SupplierBatch) Columns() []Column {
	return columns(Supplier, b.SuppKey, &b.Name, &b.Address, b.NationKey, &b.Phone, b.AcctBal, &b.Comment)
}

func (b *SupplierBatch) reset() {
	b.SuppKey, b.NationKey, b.AcctBal = b.SuppKey[:0], b.NationKey[:0], b.AcctBal[:0]
	b.Name.reset()
	b.Address.reset()
	b.Phone.reset()
	b.Comment.reset()
}

var (
	supplierAddress = stream{706178559, addressDraws}
	supplierNation  = stream{110356601, 1}
	supplierPhone   = stream{884434366, 3}
	supplierBalance = stream{962338209, 1}
	supplierComment = stream{1341315363, 2}
)

// Account balances of suppliers and customers, in hundredths.
const (
	balanceMin = -99999
	balanceMax = 999999
)

// Supplier fills b with n rows from row first.
func (g *Generator) Supplier(first, n int64, b *SupplierBatch) error {
	if err := g.check(Supplier, first, n); err != nil {
		return err
	}
	b.reset()
	text, verdicts := g.comments(&b.reader), newVerdicts(first)
	address, nation := supplierAddress.at(first), supplierNation.at(first)
	phone, balance, comment := supplierPhone.at(first), supplierBalance.at(first), supplierComment.at(first)
	for key := first + 1; key <= first+n; key++ {
		b.SuppKey = append(b.SuppKey, key)
		appendNumbered(&b.Name, "Supplier#", key)
		appendAddress(&b.Address, &address)
		at := int64(nation.index(len(nationNames)))
		b.NationKey = append(b.NationKey, at)
		appendPhone(&b.Phone, &phone, at)
		b.AcctBal = append(b.AcctBal, balance.between(balanceMin, balanceMax))
		text.append(&b.Comment, &comment, supplierCommentLength)
		verdicts.write(b.Comment.At(b.Comment.Len() - 1))
	}
	return nil
}

// verdicts writes over the comments of 10 in 10000 suppliers what customers say about them: the
// words that query 16 looks for.
type verdicts struct {
	chance, kind, gap, offset source
}

func newVerdicts(first int64) verdicts {
	return verdicts{
		chance: stream{202794285, 1}.at(first),
		kind:   stream{753643799, 1}.at(first),
		gap:    stream{263032577, 1}.at(first),
		offset: stream{715851524, 1}.at(first),
	}
}

const (
	verdictSubject   = "Customer "
	verdictComplains = "Complaints"
	verdictCommends  = "Recommends"
	verdictBytes     = len(verdictSubject) + len(verdictComplains)
)

// write changes the comment of the next supplier, or leaves it. It takes one draw of each stream.
func (v *verdicts) write(comment []byte) {
	chance, kind := v.chance.between(1, 10000), v.kind.between(0, 100)
	gap := int(v.gap.between(0, int64(len(comment)-verdictBytes)))
	offset := int(v.offset.between(0, int64(len(comment)-verdictBytes-gap)))
	if chance > 10 {
		return
	}
	copy(comment[offset:], verdictSubject)
	verdict := verdictCommends
	if kind < 50 {
		verdict = verdictComplains
	}
	copy(comment[offset+len(verdictSubject)+gap:], verdict)
}
