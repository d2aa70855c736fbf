package opt

// Rules are all rewrites, in the order in which they are tried on an operator.
var Rules = []Rule{}
