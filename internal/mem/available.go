package mem

// fallbackBytes is taken for the machine's memory where it cannot be found out.
const fallbackBytes = 4 << 30

// Available returns the memory in bytes that this process may use: the limit of its cgroup if there is one,
// otherwise the machine's memory.
func Available() int64 {
	if n := availableBytes(); n > 0 {
		return n
	}
	return fallbackBytes
}
