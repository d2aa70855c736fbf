package sqlparse

import (
	"strings"

	"github.com/laminadb/lamina/internal/interrupt"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/sqlerr"
)

// converter turns the grammar's tree into ours. The first error sticks; after it the results are
// meaningless, and nothing may be dereferenced that a conversion returned.
type converter struct {
	text  string
	pos   *positions
	start int // byte offset of the statement
	end   int
	err   error
	depth int
	poll  *interrupt.Poller
}

func convertStatement(text string, raw *pgRawStmt, pos *positions, poll *interrupt.Poller) (ast.Statement, error) {
	start := int(raw.GetStmtLocation())
	end := start + int(raw.GetStmtLen())
	if raw.GetStmtLen() == 0 {
		end = len(text)
	}
	c := &converter{text: text, pos: pos, start: start, end: end, poll: poll}
	body := c.stmt(raw.GetStmt())
	if c.err != nil {
		return ast.Statement{}, c.err
	}
	src := strings.TrimSpace(text[start:end])
	return ast.Statement{Body: body, Text: src, Start: start, End: start + len(src)}, nil
}

func (c *converter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// unsupported fails with 0A000.
func (c *converter) unsupported(construct string, at ast.At) {
	c.fail(sqlerr.Unsupported(construct).At(int(at)))
}

// refuse fails with 0A000 if a part that the tree has no place for was written.
func (c *converter) refuse(written bool, construct string) {
	if written {
		c.unsupported(construct, 0)
	}
}

func (c *converter) at(location int32) ast.At { return c.pos.at(location) }

// enter counts a level of the tree; it fails and returns false at the limit. The caller must leave.
func (c *converter) enter() bool {
	c.depth++
	if c.depth > chainMax {
		c.fail(errTooDeep())
	} else if err := c.poll.Err(); err != nil {
		c.fail(err)
	}
	return c.err == nil
}

func (c *converter) leave() { c.depth-- }

// lexer returns a lexer over the statement from a byte offset on.
func (c *converter) lexer(from int) *lexer { return &lexer{text: c.text[:c.end], pos: from} }

// stmt converts a statement.
func (c *converter) stmt(n *pgNode) ast.Stmt {
	switch s := n.GetNode().(type) {
	case *nodeSelectStmt:
		return c.selectStmt(s.SelectStmt)
	case *nodeInsertStmt:
		return c.insert(s.InsertStmt)
	case *nodeUpdateStmt:
		return c.update(s.UpdateStmt)
	case *nodeDeleteStmt:
		return c.delete(s.DeleteStmt)
	case *nodeMergeStmt:
		return c.merge(s.MergeStmt)
	case *nodeTruncateStmt:
		return c.truncate(s.TruncateStmt)
	case *nodeCopyStmt:
		return c.copy(s.CopyStmt)
	case *nodeExplainStmt:
		return &ast.Explain{Options: c.options(s.ExplainStmt.GetOptions()), Query: c.stmt(s.ExplainStmt.GetQuery())}
	}
	if s := c.ddlStmt(n); s != nil || c.err != nil {
		return s
	}
	if s := c.sessionStmt(n); s != nil || c.err != nil {
		return s
	}
	c.unsupported(c.commandName(), 0)
	return nil
}

// secondWords are the commands whose name is their first keyword alone.
var oneWordCommands = map[string]bool{
	"GRANT": true, "REVOKE": true, "MERGE": true, "DO": true, "CALL": true, "COMMENT": true, "LOAD": true,
	"CLUSTER": true, "REINDEX": true, "REASSIGN": true, "WITH": true, "EXPLAIN": true, "PREPARE": true,
}

// commandName names the statement by its first keywords, such as CREATE FUNCTION.
func (c *converter) commandName() string {
	lx := c.lexer(c.start)
	var words []string
	for len(words) < 4 {
		t := lx.next()
		if t.kind != tokWord {
			break
		}
		w := strings.ToUpper(lx.source(t))
		switch w {
		case "OR", "REPLACE", "UNIQUE", "TRUSTED", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL":
			continue
		}
		words = append(words, w)
		if oneWordCommands[words[0]] {
			break
		}
		if len(words) == 2 && w != "EVENT" && w != "FOREIGN" && w != "MATERIALIZED" && w != "USER" && w != "DEFAULT" &&
			w != "ACCESS" && w != "TEXT" && w != "OPERATOR" {
			break
		}
		if len(words) == 3 {
			break
		}
	}
	return strings.Join(words, " ")
}

// relName converts a relation's name; aliases and ONLY are the caller's.
func (c *converter) relName(r *pgRangeVar) ast.RelName {
	return ast.RelName{
		At: c.at(r.GetLocation()), Catalog: r.GetCatalogname(), Schema: r.GetSchemaname(), Name: r.GetRelname(),
	}
}

// plainName converts the name of a relation where neither alias nor ONLY may stand.
func (c *converter) plainName(r *pgRangeVar) ast.RelName {
	c.refuse(r.GetAlias() != nil, "alias")
	return c.relName(r)
}

// tableRef converts a relation in FROM or as a target. ONLY is the same as without, as there is no
// inheritance.
func (c *converter) tableRef(r *pgRangeVar) *ast.TableRef {
	return &ast.TableRef{RelName: c.relName(r), Alias: c.alias(r.GetAlias())}
}

func (c *converter) tableRefs(nodes []*pgNode) []*ast.TableRef {
	var out []*ast.TableRef
	for _, n := range nodes {
		if r, ok := n.GetNode().(*nodeRangeVar); ok {
			out = append(out, c.tableRef(r.RangeVar))
		} else {
			c.unsupported(grammarNode(n), 0)
		}
	}
	return out
}

func (c *converter) alias(a *pgAlias) *ast.Alias {
	if a == nil {
		return nil
	}
	return &ast.Alias{Name: a.GetAliasname(), Columns: c.strings(a.GetColnames())}
}

// strings converts a list of names.
func (c *converter) strings(nodes []*pgNode) []string {
	var out []string
	for _, n := range nodes {
		s, ok := n.GetNode().(*nodeString)
		if !ok {
			c.unsupported(grammarNode(n), 0)
			return nil
		}
		out = append(out, s.String_.GetSval())
	}
	return out
}

// nameOf converts a qualified name written as a list of strings.
func (c *converter) nameOf(nodes []*pgNode) ast.RelName {
	parts := c.strings(nodes)
	switch len(parts) {
	case 1:
		return ast.RelName{Name: parts[0]}
	case 2:
		return ast.RelName{Schema: parts[0], Name: parts[1]}
	case 3:
		return ast.RelName{Catalog: parts[0], Schema: parts[1], Name: parts[2]}
	}
	c.fail(sqlerr.Newf(sqlerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(parts, ".")))
	return ast.RelName{}
}

// options converts a list of options.
func (c *converter) options(nodes []*pgNode) []ast.Option {
	var out []ast.Option
	for _, n := range nodes {
		out = append(out, c.option(n.GetDefElem()))
	}
	return out
}

func (c *converter) option(d *pgDefElem) ast.Option {
	o := ast.Option{At: c.at(d.GetLocation()), Name: strings.ToLower(d.GetDefname()), HasValue: d.GetArg() != nil}
	if d.GetDefnamespace() != "" {
		o.Name = d.GetDefnamespace() + "." + o.Name
	}
	c.refuse(d.GetDefaction() > defelemUnspec, "option action")
	switch v := d.GetArg().GetNode().(type) {
	case nil:
	case *nodeAStar:
		o.Star = true
	case *nodeList:
		o.Columns = c.strings(v.List.GetItems())
	default:
		o.Value = c.scalarText(d.GetArg())
	}
	return o
}

// scalarText returns the text of an option's value.
func (c *converter) scalarText(n *pgNode) string {
	switch v := n.GetNode().(type) {
	case *nodeString:
		return v.String_.GetSval()
	case *nodeInteger:
		return itoa(v.Integer.GetIval())
	case *nodeFloat:
		return v.Float.GetFval()
	case *nodeBoolean:
		if v.Boolean.GetBoolval() {
			return "true"
		}
		return "false"
	case *nodeTypeName:
		return strings.Join(c.strings(v.TypeName.GetNames()), ".")
	}
	c.unsupported(grammarNode(n)+" as option value", 0)
	return ""
}
