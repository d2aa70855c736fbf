package segment

import (
	"errors"
	"testing"
)

// TestReadErrorsAreNotKept: what could not be read once is read the next time, and then no more.
func TestReadErrorsAreNotKept(t *testing.T) {
	var l lazy[int]
	calls := 0
	read := func() (int, error) {
		if calls++; calls == 1 {
			return 0, errors.New("a call failed")
		}
		return 7, nil
	}
	if _, err := l.get(read); err == nil {
		t.Error("no error")
	}
	for range 2 {
		if v, err := l.get(read); v != 7 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}
