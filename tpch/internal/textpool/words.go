package textpool

import (
	"strconv"
	"strings"
)

// The vocabulary of the text, with the weight of each word. A word without a weight has weight 1.
// Blanks inside a word are written as underscores.
const (
	nouns = `packages:40 requests:40 accounts:40 deposits:40 foxes:20 ideas:20 theodolites:20
		pinto_beans:20 instructions:20 dependencies:10 excuses:10 platelets:10 asymptotes:10
		courts:5 dolphins:5 multipliers sauternes warthogs frets dinos attainments somas Tiresias
		patterns forges braids frays warhorses dugouts notornis epitaphs pearls tithes waters
		orbits gifts sheaves depths sentiments decoys realms pains grouches escapades
		hockey_players`
	verbs = `sleep:20 wake:20 are:20 cajole:20 haggle:20 nag:10 use:10 boost:10 affix:5 detect:5
		integrate:5 maintain nod was lose sublate solve thrash promise engage hinder print x-ray
		breach eat grow impress mold poach serve run dazzle snooze doze unwind kindle play hang
		believe doubt`
	adjectives = `special:20 pending:20 unusual:20 express:20 furious sly careful blithe quick
		fluffy slow quiet ruthless thin close dogged daring brave stealthy permanent enticing
		idle busy regular:50 final:40 ironic:40 even:30 bold:20 silent:10`
	adverbs = `sometimes always never furiously:50 slyly:50 carefully:50 blithely:40 quickly:30
		fluffily:20 slowly quietly ruthlessly thinly closely doggedly daringly bravely stealthily
		permanently enticingly idly busily regularly finally ironically evenly boldly silently`
	prepositions = `about:50 above:50 according_to:50 across:50 after:50 against:40 along:40
		alongside_of:30 among:30 around:20 at:10 atop before behind beneath beside besides between
		beyond by despite during except for from in_place_of inside instead_of into near of on
		outside over past since through throughout to toward under until up upon whithout with
		within`
	auxiliaries = `do may might shall will would can could should ought_to must will_have_to
		shall_have_to could_have_to should_have_to must_have_to need_to try_to`
	terminators = `.:50 ; : ? ! --`
)

// The grammar: a sentence is a sequence of phrases, a phrase a sequence of words. In sentences N is
// a noun phrase, V a verb phrase, P a preposition with "the" and a noun phrase, and T the
// terminator. In phrases N, V, J, D and X are a noun, verb, adjective, adverb and auxiliary; C is
// an adjective followed by a comma.
const (
	sentenceForms   = `NVT:3 NVPT:3 NVNT:3 NPVNT NPVPT`
	nounPhraseForms = `N:10 JN:20 CJN:10 DJN:50`
	verbPhraseForms = `V:30 XV VD:40 XVD`
)

// A weighted word or form.
type weighted struct {
	text   string
	weight int
}

// parseWords reads one of the lists above. It is only called on constants; a bad weight counts as
// 1, and the checksum of the pool in the tests holds the lists.
func parseWords(list string) []weighted {
	fields := strings.Fields(list)
	words := make([]weighted, len(fields))
	for i, f := range fields {
		words[i] = weighted{text: f, weight: 1}
		// The terminator ":" is a word, not the start of a weight.
		if at := strings.LastIndexByte(f, ':'); at > 0 {
			if w, err := strconv.Atoi(f[at+1:]); err == nil {
				words[i] = weighted{text: f[:at], weight: w}
			}
		}
		words[i].text = strings.ReplaceAll(words[i].text, "_", " ")
	}
	return words
}
