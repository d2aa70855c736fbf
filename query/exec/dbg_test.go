package exec
import "testing"
func TestDbg(t *testing.T) {
	dbg = func(c *keyCoder, bad *badRows, n int) { t.Logf("%+v bad=%v n=%d", *c, bad.bits[:1], n) }
	TestAggregateMatchesReference(t)
}
