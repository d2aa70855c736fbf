package tpch

import "github.com/laminadb/lamina/tpch/internal/textpool"

// A length is the range of lengths of a text column: 0.4 to 1.6 times its average.
type length struct{ min, max int64 }

var (
	addressLength         = length{10, 40}
	partCommentLength     = length{5, 22}
	supplierCommentLength = length{25, 100}
	partSuppCommentLength = length{49, 198}
	customerCommentLength = length{29, 116}
	ordersCommentLength   = length{19, 78}
	lineCommentLength     = length{10, 43}
	placeCommentLength    = length{28, 115} // nations and regions
)

// A comments cuts comments from the text pool.
type comments struct {
	pool   *textpool.Pool // nil: on demand
	reader *textpool.Reader
}

func (g *Generator) comments(r *textpool.Reader) comments {
	return comments{pool: g.pool.Load(), reader: r}
}

// append appends one comment. It takes two draws.
func (c comments) append(dst *Strings, s *source, l length) {
	offset := int(s.between(0, textpool.Bytes-l.max))
	n := int(s.between(l.min, l.max))
	if c.pool != nil {
		dst.Data = append(dst.Data, c.pool.At(offset, n)...)
	} else {
		dst.Data = append(dst.Data, c.reader.At(offset, n)...)
	}
	dst.end()
}

// addressDraws is what an address may take: its length, and one draw for each five characters.
const addressDraws = 9

const addressLetters = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,"

// appendAddress appends random letters. It takes addressDraws draws.
func appendAddress(dst *Strings, s *source) {
	n := int(s.between(addressLength.min, addressLength.max))
	var bits int64
	for i := range n {
		if i%5 == 0 {
			bits = s.bits()
		}
		dst.Data = append(dst.Data, addressLetters[bits&63])
		bits >>= 6
	}
	dst.end()
	s.skip(addressDraws - 1 - (n+4)/5)
}

// appendPhone appends a phone number with the country code of a nation. It takes three draws.
func appendPhone(dst *Strings, s *source, nation int64) {
	area, exchange, number := s.between(100, 999), s.between(100, 999), s.between(1000, 9999)
	d := appendPadded(dst.Data, 10+nation, 2)
	d = appendPadded(append(d, '-'), area, 3)
	d = appendPadded(append(d, '-'), exchange, 3)
	dst.Data = appendPadded(append(d, '-'), number, 4)
	dst.end()
}

// appendNumbered appends a name such as Customer#000000001.
func appendNumbered(dst *Strings, prefix string, key int64) {
	dst.Data = appendPadded(append(dst.Data, prefix...), key, 9)
	dst.end()
}

// appendPadded appends v >= 0 with at least width digits.
func appendPadded(dst []byte, v int64, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for ; v > 0 || i > len(digits)-width; v /= 10 {
		i--
		digits[i] = byte('0' + v%10)
	}
	return append(dst, digits[i:]...)
}
