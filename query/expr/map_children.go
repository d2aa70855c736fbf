package expr

// MapChildren returns e with each direct subexpression replaced by what fn returns for it, for rewrites
// that go top down; e itself if nothing changes.
func MapChildren(e Expr, fn func(Expr) Expr) Expr { return withChildren(e, fn) }
