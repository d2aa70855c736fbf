package sqlparse

import "github.com/laminadb/lamina/query/ast"

func (c *converter) createSequence(s *pgCreateSeqStmt) ast.Stmt {
	c.refuse(s.GetOwnerId() != 0 || s.GetForIdentity(), "CREATE SEQUENCE option")
	return &ast.CreateSequence{
		Name: c.plainName(s.GetSequence()), Persistence: c.persistence(s.GetSequence()), IfNotExists: s.GetIfNotExists(),
		Options: c.options(s.GetOptions()),
	}
}

func (c *converter) alterSequence(s *pgAlterSeqStmt) ast.Stmt {
	c.refuse(s.GetForIdentity(), "ALTER SEQUENCE option")
	return &ast.AlterSequence{
		Name: c.plainName(s.GetSequence()), IfExists: s.GetMissingOk(), Options: c.options(s.GetOptions()),
	}
}
