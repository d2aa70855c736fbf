package kernel

// LookupCodes sets dst[i] = table[v[i]] and returns what any of them has set.
func LookupCodes(dst, table []uint32, v []uint8) uint32 {
	v = v[:len(dst)]
	any := uint32(0)
	for i, x := range v {
		c := table[x]
		dst[i] = c
		any |= c
	}
	return any
}

// LookupCodes2 is LookupCodes at a[i]*n + b[i].
func LookupCodes2(dst, table []uint32, a, b []uint8, n int) uint32 {
	a, b = a[:len(dst)], b[:len(dst)]
	any := uint32(0)
	for i, x := range a {
		c := table[int(x)*n+int(b[i])]
		dst[i] = c
		any |= c
	}
	return any
}

// CombineCodes2 sets dst[i] = a[i]*n + b[i].
func CombineCodes2(dst []uint32, a, b []uint8, n int) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i, x := range a {
		dst[i] = uint32(x)*uint32(n) + uint32(b[i])
	}
}

// CombineCodes sets dst[i] = dst[i]*n + v[i].
func CombineCodes(dst []uint32, v []uint8, n int) {
	v = v[:len(dst)]
	for i, x := range v {
		dst[i] = dst[i]*uint32(n) + uint32(x)
	}
}

// LookupCombined replaces codes by their entries in table, and returns what any of them has set.
func LookupCombined(codes, table []uint32) uint32 {
	any := uint32(0)
	for i, x := range codes {
		c := table[x]
		codes[i] = c
		any |= c
	}
	return any
}

// FillGaps sets dst[i] to k at the numbers i below len(dst) that sel, which ascends, leaves out.
func FillGaps(dst []uint32, k uint32, sel []uint16) {
	next := 0
	for j := 0; j < len(sel); {
		// Where the entry 8 further is 8 greater, nothing is left out between.
		if j+8 <= len(sel) && int(sel[j]) == next && int(sel[j+7]) == next+7 {
			j, next = j+8, next+8
			continue
		}
		for ; next < int(sel[j]); next++ {
			dst[next] = k
		}
		next++
		j++
	}
	for ; next < len(dst); next++ {
		dst[next] = k
	}
}
