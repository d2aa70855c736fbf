package versus

import "runtime/metrics"

// Spent is what runs of Lamina's queries have cost.
type Spent struct {
	Runs int64
	// GCSeconds and CPUSeconds are processor time of the garbage collector, and of all but idle.
	GCSeconds, CPUSeconds float64
	// Objects and Bytes were allocated on the Go heap.
	Objects, Bytes uint64
}

func (s *Spent) add(o Spent) {
	s.Runs++
	s.GCSeconds, s.CPUSeconds = s.GCSeconds+o.GCSeconds, s.CPUSeconds+o.CPUSeconds
	s.Objects, s.Bytes = s.Objects+o.Objects, s.Bytes+o.Bytes
}

func (s Spent) since(before Spent) Spent {
	return Spent{
		GCSeconds: s.GCSeconds - before.GCSeconds, CPUSeconds: s.CPUSeconds - before.CPUSeconds,
		Objects: s.Objects - before.Objects, Bytes: s.Bytes - before.Bytes,
	}
}

// GCShare returns the part of the processor time that the garbage collector had. The runtime counts both when a cycle ends, so
// that few runs tell little.
func (s Spent) GCShare() float64 {
	if s.CPUSeconds <= 0 {
		return 0
	}
	return s.GCSeconds / s.CPUSeconds
}

func spentNow() Spent {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
		{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	return Spent{
		GCSeconds:  samples[0].Value.Float64() - samples[1].Value.Float64(),
		CPUSeconds: samples[2].Value.Float64() - samples[3].Value.Float64() - samples[1].Value.Float64(),
		Objects:    samples[4].Value.Uint64(), Bytes: samples[5].Value.Uint64(),
	}
}
