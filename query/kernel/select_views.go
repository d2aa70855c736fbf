package kernel

import "github.com/laminadb/lamina/vec"

// ViewKey is a string of at most vec.InlineMax bytes as the two words of its view.
type ViewKey struct{ Lo, Hi uint64 }

// ViewKeyOf returns the words of a view that holds its string itself.
func ViewKeyOf(v *vec.StrView) ViewKey {
	lo, hi := viewWords(v)
	return ViewKey{lo, hi}
}

// SelectViews writes the positions of the strings that are one of keys, or with drop of all others, and
// returns their number.
func SelectViews(views []vec.StrView, keys []ViewKey, drop bool, out []uint16) int {
	k, flip := 0, uint64(0)
	if drop {
		flip = 1
	}
	out = out[:len(views)+1]
	switch len(keys) {
	case 1:
		a := keys[0]
		for i := range views {
			lo, hi := viewWords(&views[i])
			out[k] = uint16(i)
			k += int(isZero((lo^a.Lo)|(hi^a.Hi)) ^ flip)
		}
	case 2:
		a, b := keys[0], keys[1]
		for i := range views {
			lo, hi := viewWords(&views[i])
			out[k] = uint16(i)
			k += int((isZero((lo^a.Lo)|(hi^a.Hi)) | isZero((lo^b.Lo)|(hi^b.Hi))) ^ flip)
		}
	default:
		for i := range views {
			out[k] = uint16(i)
			k += int(anyKey(&views[i], keys) ^ flip)
		}
	}
	return k
}

// SelectViewsSel is SelectViews over the positions in sel. out may be sel itself.
func SelectViewsSel(views []vec.StrView, keys []ViewKey, drop bool, sel, out []uint16) int {
	k, flip := 0, uint64(0)
	if drop {
		flip = 1
	}
	for _, i := range sel {
		out[k] = i
		k += int(anyKey(&views[i], keys) ^ flip)
	}
	return k
}

// anyKey is 1 if the string is one of keys, else 0.
func anyKey(v *vec.StrView, keys []ViewKey) uint64 {
	lo, hi := viewWords(v)
	found := uint64(0)
	for j := range keys {
		found |= isZero((lo ^ keys[j].Lo) | (hi ^ keys[j].Hi))
	}
	return found
}

// isZero is 1 if x is 0, else 0.
func isZero(x uint64) uint64 {
	if x == 0 {
		return 1
	}
	return 0
}
