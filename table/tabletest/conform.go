package tabletest

import (
	"flag"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// rule is a named case of the suite, which runs on a fresh storage.
type rule struct {
	name string
	// needs is the field of table.Features without which the case is skipped; "" for none.
	needs string
	check func(f *fixture)
}

// rules are all cases.
var rules = slices.Concat(readRules, scanRules, writeRules, uniqueRules, statementRules, transactionRules, serializableRules, lockRules,
	tableLockRules, foreignRules, schemaRules, layoutRules, moveRules, sequenceRules, savepointRules, endRules, durableRules)

// rulesMin is the least number of cases of a storage that can do most things.
const rulesMin = 60

// Conform checks the rules of the contract one by one, each on a storage of its own. What the storage says it cannot do
// must have a reason, and must be refused as unsupported.
func Conform(t *testing.T, o Options) {
	t.Helper()
	ran := 0
	t.Run("features", func(t *testing.T) { checkFeatures(newFixture(t, &o)) })
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			f := newFixture(t, &o)
			if r.needs != "" && !feature(f.s.Features(), r.needs) {
				t.Skipf("%s: %s", r.needs, f.s.Features().Reasons[r.needs])
			}
			ran++
			r.check(f)
		})
	}
	if ran < rulesMin && !filtered() {
		t.Errorf("only %d cases ran, at least %d are wanted", ran, rulesMin)
	}
	t.Logf("%s: %d of %d cases", o.Name, ran, len(rules))
}

// filtered reports whether only some of the cases were asked for.
func filtered() bool {
	f := flag.Lookup("test.run")
	return f != nil && strings.Contains(f.Value.String(), "/")
}

// feature returns a field of Features by name.
func feature(f table.Features, name string) bool {
	return reflect.ValueOf(f).FieldByName(name).Bool()
}

// checkFeatures checks that each feature that is missing has a reason and is refused.
func checkFeatures(f *fixture) {
	features := f.s.Features()
	v := reflect.ValueOf(features)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.Bool && !v.Field(i).Bool() && features.Reasons[name] == "" {
			f.t.Errorf("feature %s is missing without a reason", name)
		}
	}
	f.equal("durable", features.Durable, f.o.Durable)
	id := f.filled()
	for name, use := range map[string]func() error{
		"Serializable": func() error {
			tx, err := f.s.Begin(f.ctx, table.TxOptions{Isolation: table.Serializable})
			return orRollback(tx, err)
		},
		"AsOf": func() error {
			tx, err := f.s.Begin(f.ctx, table.TxOptions{AsOf: 1})
			return orRollback(tx, err)
		},
		"Changes": func() error {
			r, err := f.s.Changes(f.ctx, 0, table.ChangeOptions{})
			if err == nil {
				err = r.Close()
			}
			return err
		},
		"Compact": func() error { return f.s.Compact(f.ctx, id) },
		"Analyze": func() error { return f.s.Analyze(f.ctx, []table.AnalyzeTarget{{Table: id}}) },
	} {
		switch err := use(); {
		case feature(features, name) && err != nil:
			f.t.Errorf("%s: %v", name, err)
		case !feature(features, name) && sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported:
			f.t.Errorf("%s is missing, but using it answers %v", name, err)
		}
	}
}

func orRollback(tx table.Tx, err error) error {
	if err == nil {
		err = tx.Rollback()
	}
	return err
}
