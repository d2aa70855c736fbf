package rowstore

// noRow stands for "no row".
const noRow = ^uint64(0)
