package sqlparse

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

var refActions = map[string]ast.RefAction{
	"": ast.RefNoAction, "a": ast.RefNoAction, "r": ast.RefRestrict, "c": ast.RefCascade, "n": ast.RefSetNull, "d": ast.RefSetDefault,
}

// foreign converts what a FOREIGN KEY or REFERENCES constraint references.
func (c *converter) foreign(k *pgConstraint, out *ast.Constraint) {
	if !k.GetIsEnforced() {
		c.unsupported("NOT ENFORCED constraint", out.At)
	}
	c.refuse(k.GetFkWithPeriod() || k.GetPkWithPeriod(), "PERIOD of a foreign key")
	c.refuse(k.GetRawExpr() != nil || len(k.GetKeys()) > 0 || k.GetOldPktableOid() != 0 || len(k.GetOldConpfeqop()) > 0, "constraint")
	ref := &ast.Reference{
		Table: c.plainName(k.GetPktable()), Columns: c.namesAt(k.GetPkAttrs(), out.At), SetColumns: c.namesAt(k.GetFkDelSetCols(), out.At),
		Deferrable: k.GetDeferrable(), Deferred: k.GetInitdeferred(), NotValid: k.GetSkipValidation(),
	}
	out.Reference, out.Columns = ref, c.namesAt(k.GetFkAttrs(), out.At)
	switch k.GetFkMatchtype() {
	case "f":
		ref.Full = true
	case "s", "":
	default:
		c.fail(sqlerr.New(sqlerr.FeatureNotSupported, "MATCH PARTIAL not yet implemented"))
	}
	var known bool
	if ref.OnUpdate, known = refActions[k.GetFkUpdAction()]; !known {
		c.unsupported("ON UPDATE", out.At)
	}
	if ref.OnDelete, known = refActions[k.GetFkDelAction()]; !known {
		c.unsupported("ON DELETE", out.At)
	}
}

func (c *converter) namesAt(nodes []*pgNode, at ast.At) (out []ast.InsertColumn) {
	for _, name := range c.strings(nodes) {
		out = append(out, ast.InsertColumn{At: at, Name: name})
	}
	return out
}

// attributeWords are the clauses that belong to the constraint before them.
var attributeWords = map[int32]string{
	int32(constrAttrDeferrable): "DEFERRABLE", int32(constrAttrNotDeferrable): "NOT DEFERRABLE",
	int32(constrAttrDeferred): "INITIALLY DEFERRED", int32(constrAttrImmediate): "INITIALLY IMMEDIATE",
}

// deferral is what the clauses after a column's constraint have said so far.
type deferral struct{ deferrable, initially bool }

// attribute applies DEFERRABLE, INITIALLY DEFERRED and their opposites to the constraint of a column that they follow. It
// reports false if k is another constraint.
func (c *converter) attribute(k *pgConstraint, last *ast.Constraint, said *deferral) bool {
	word, ok := attributeWords[int32(k.GetContype())]
	if !ok {
		return false
	}
	at := c.at(k.GetLocation())
	bad := func(text string) bool {
		c.fail(sqlerr.New(sqlerr.SyntaxError, text).At(at.Pos()))
		return true
	}
	switch {
	case last == nil || last.Kind != ast.ForeignKey && last.Kind != ast.PrimaryKey && last.Kind != ast.Unique:
		return bad("misplaced " + word + " clause")
	case last.Kind != ast.ForeignKey:
		c.unsupported(word+" constraint", at)
		return true
	}
	r := last.Reference
	switch int32(k.GetContype()) {
	case int32(constrAttrDeferrable), int32(constrAttrNotDeferrable):
		if said.deferrable {
			return bad("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed")
		}
		said.deferrable = true
		r.Deferrable = int32(k.GetContype()) == int32(constrAttrDeferrable)
		if !r.Deferrable && r.Deferred {
			return bad("constraint declared INITIALLY DEFERRED must be DEFERRABLE")
		}
	default:
		if said.initially {
			return bad("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed")
		}
		said.initially = true
		r.Deferred = int32(k.GetContype()) == int32(constrAttrDeferred)
		if r.Deferred && said.deferrable && !r.Deferrable {
			return bad("constraint declared INITIALLY DEFERRED must be DEFERRABLE")
		}
		r.Deferrable = r.Deferrable || r.Deferred
	}
	return true
}

func (c *converter) setConstraints(s *pgConstraintsSetStmt) ast.Stmt {
	out := &ast.SetConstraints{Deferred: s.GetDeferred()}
	for _, n := range s.GetConstraints() {
		r, ok := n.GetNode().(*nodeRangeVar)
		if !ok {
			c.unsupported("SET CONSTRAINTS", 0)
			return nil
		}
		out.Names = append(out.Names, c.plainName(r.RangeVar))
	}
	return out
}
