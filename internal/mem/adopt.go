package mem

// Adopt charges a slab that was allocated without a tracker to t, passing over limits.
func (s *Slab) Adopt(t *Tracker) {
	if s.tracker != nil || t == nil || s.B == nil {
		return
	}
	t.Force(int64(cap(s.B)))
	s.tracker = t
}
