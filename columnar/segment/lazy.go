package segment

import (
	"sync"
	"sync/atomic"
)

// lazy is a part of a file that is read when it is first needed. An error is not kept: the call that failed may work the
// next time.
type lazy[T any] struct {
	mu    sync.Mutex
	value atomic.Pointer[T]
}

func (l *lazy[T]) get(read func() (T, error)) (T, error) {
	if p := l.value.Load(); p != nil {
		return *p, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.value.Load(); p != nil {
		return *p, nil
	}
	v, err := read()
	if err == nil {
		l.value.Store(&v)
	}
	return v, err
}
