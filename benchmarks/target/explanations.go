package target

// Explanations say by the names of targets why they are missed. Each comes from a profile of the case.
var Explanations = map[string]string{}
