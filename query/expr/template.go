package expr

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// templateNode is a piece of a template of to_char: a pattern, or a character to copy.
type templateNode struct {
	key        string // the pattern; "" for a character
	text       string // the character
	fill       bool   // FM before a pattern of a date
	ordinal    string // th or TH after it
	whitespace bool   // of a character: blank, or punctuation that is not quoted
	separator  bool
}

// datePatterns are the patterns of dates and times, the longer of two with one beginning first.
var datePatterns = strings.Fields("A.D. A.M. AD AM B.C. BC CC DAY DDD DD DY Day Dy D FF1 FF2 FF3 FF4 FF5 FF6 FX HH24 HH12 HH " +
	"IDDD ID IW IYYY IYY IY I J MI MM MONTH MON MS Month Mon OF P.M. PM Q RM SSSSS SSSS SS TZH TZM TZ US WW W Y,YYY YYYY YYY YY Y " +
	"a.d. a.m. ad am b.c. bc cc day ddd dd dy d ff1 ff2 ff3 ff4 ff5 ff6 fx hh24 hh12 hh iddd id iw iyyy iyy iy i j mi mm month mon ms " +
	"of p.m. pm q rm sssss ssss ss tzh tzm tz us ww w y,yyy yyyy yyy yy y")

// numberPatterns are the patterns of numbers; case does not matter but for th and rn.
var numberPatterns = strings.Fields(", . 0 9 B C D EEEE FM G L MI PL PR RN SG SP S TH V " +
	"b c d eeee fm g l mi pl pr rn sg sp s th v")

// templateCacheMax bounds the templates that are kept.
const templateCacheMax = 256

type templateKey struct {
	template string
	date     bool
}

var templateCache struct {
	sync.Mutex
	m map[templateKey][]templateNode
}

// parseTemplate reads a template of dates, or of numbers. The result is shared and not to be changed.
func parseTemplate(template string, date bool) []templateNode {
	key := templateKey{template, date}
	templateCache.Lock()
	defer templateCache.Unlock()
	if nodes, ok := templateCache.m[key]; ok {
		return nodes
	}
	if len(templateCache.m) >= templateCacheMax || templateCache.m == nil {
		templateCache.m = make(map[templateKey][]templateNode)
	}
	key.template = strings.Clone(template)
	nodes := splitTemplate(key.template, date)
	templateCache.m[key] = nodes
	return nodes
}

func splitTemplate(s string, date bool) (nodes []templateNode) {
	patterns := numberPatterns
	if date {
		patterns = datePatterns
	}
	for s != "" {
		fill := false
		if date && len(s) >= 2 {
			switch s[:2] {
			case "FM", "fm":
				fill, s = true, s[2:]
			case "TM", "tm": // names of the locale, which are those of C
				s = s[2:]
			}
		}
		if key := patternOf(s, patterns); key != "" {
			n := templateNode{key: key, fill: fill}
			s = s[len(key):]
			if date && len(s) >= 2 {
				switch s[:2] {
				case "th", "TH":
					n.ordinal, s = s[:2], s[2:]
				case "SP":
					s = s[2:]
				}
			}
			nodes = append(nodes, n)
			continue
		}
		if s == "" {
			break
		}
		if s[0] == '"' {
			s = quotedNodes(&nodes, s[1:])
			continue
		}
		if s[0] == '\\' && len(s) > 1 && s[1] == '"' {
			s = s[1:]
		}
		_, size := utf8.DecodeRuneInString(s)
		c := s[0]
		nodes = append(nodes, templateNode{text: s[:size], whitespace: c == ' ' || c >= '\t' && c <= '\r', separator: date && c > ' ' && c < 0x7f &&
			!(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')})
		s = s[size:]
	}
	return nodes
}

func patternOf(s string, patterns []string) string {
	for _, p := range patterns {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

// quotedNodes copies the characters up to the closing quote; a backslash takes the next one as it is.
func quotedNodes(nodes *[]templateNode, s string) (rest string) {
	for s != "" {
		if s[0] == '"' {
			return s[1:]
		}
		if s[0] == '\\' && len(s) > 1 {
			s = s[1:]
		}
		_, size := utf8.DecodeRuneInString(s)
		*nodes = append(*nodes, templateNode{text: s[:size]})
		s = s[size:]
	}
	return ""
}

// ordinalSuffix is st, nd, rd or th of a number, in the case of as.
func ordinalSuffix(number, as string) string {
	last := number[len(number)-1]
	if len(number) > 1 && number[len(number)-2] == '1' {
		last = '0' // the teens
	}
	suffix := "TH"
	switch last {
	case '1':
		suffix = "ST"
	case '2':
		suffix = "ND"
	case '3':
		suffix = "RD"
	}
	if as == "th" {
		return strings.ToLower(suffix)
	}
	return suffix
}
