package machine

// processBytes is what a process with a database may have beyond a tenth more than MemoryBytes.
const processBytes = 64 << 20

// LimitBytes is what a process may have whose database has a limit of memory.
func LimitBytes(memoryBytes int64) int64 { return memoryBytes*11/10 + processBytes }
