package tpch

import "strings"

// The value sets of the benchmark, in the order in which a draw picks them. All values of a set are
// equally likely.

var regionNames = []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}

var nationNames = []string{
	"ALGERIA", "ARGENTINA", "BRAZIL", "CANADA", "EGYPT", "ETHIOPIA", "FRANCE", "GERMANY", "INDIA",
	"INDONESIA", "IRAN", "IRAQ", "JAPAN", "JORDAN", "KENYA", "MOROCCO", "MOZAMBIQUE", "PERU", "CHINA",
	"ROMANIA", "SAUDI ARABIA", "VIETNAM", "RUSSIA", "UNITED KINGDOM", "UNITED STATES",
}

// nationRegions has the region of each nation.
var nationRegions = []int64{0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1}

var (
	segments     = []string{"AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"}
	priorities   = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"}
	instructions = []string{"DELIVER IN PERSON", "COLLECT COD", "TAKE BACK RETURN", "NONE"}
	modes        = []string{"REG AIR", "AIR", "RAIL", "TRUCK", "MAIL", "FOB", "SHIP"}
)

// The flags that are derived from dates. The first two return flags are drawn.
var (
	returnFlags   = []string{"R", "A", "N"}
	lineStatuses  = []string{"F", "O"}
	orderStatuses = []string{"F", "O", "P"}
)

const (
	returnNone = 2 // index of N in returnFlags

	statusFilled  = 0 // indexes of F, O and P in lineStatuses and orderStatuses
	statusOpen    = 1
	statusPartial = 2
)

// The sets that are products of words: the last word varies fastest.
var (
	manufacturers = product("Manufacturer#", "1 2 3 4 5")
	brands        = product("Brand#", "1 2 3 4 5", "", "1 2 3 4 5")
	containers    = product("", "SM LG MED JUMBO WRAP", " ", "CASE BOX BAG JAR PACK PKG CAN DRUM")
	partTypes     = product("", "STANDARD SMALL MEDIUM LARGE ECONOMY PROMO", " ",
		"ANODIZED BURNISHED PLATED POLISHED BRUSHED", " ", "TIN NICKEL BRASS STEEL COPPER")
)

// product returns all strings made of a separator, a word of the following list, the next
// separator, and so on.
func product(separatorsAndLists ...string) []string {
	all := []string{""}
	for i := 0; i+1 < len(separatorsAndLists); i += 2 {
		var longer []string
		for _, prefix := range all {
			for _, word := range strings.Fields(separatorsAndLists[i+1]) {
				longer = append(longer, prefix+separatorsAndLists[i]+word)
			}
		}
		all = longer
	}
	return all
}

// colors has the words of part names.
var colors = strings.Fields(`
	almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished
	chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab
	firebrick floral forest frosted gainsboro ghost goldenrod green grey honeydew hot indian ivory
	khaki lace lavender lawn lemon light lime linen magenta maroon medium metallic midnight mint misty
	moccasin navajo navy olive orange orchid pale papaya peach peru pink plum powder puff purple red
	rose rosy royal saddle salmon sandy seashell sienna sky slate smoke snow spring steel tan thistle
	tomato turquoise violet wheat white yellow`)
