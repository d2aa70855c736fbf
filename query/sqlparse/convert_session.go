package sqlparse

import (
	"strings"

	"github.com/laminadb/lamina/query/ast"
)

// sessionStmt converts a statement about transactions, settings, prepared statements, cursors or
// maintenance; nil if it is none of them.
func (c *converter) sessionStmt(n *pgNode) ast.Stmt {
	switch s := n.GetNode().(type) {
	case *nodeTransactionStmt:
		return c.transaction(s.TransactionStmt)
	case *nodeVariableSetStmt:
		return c.set(s.VariableSetStmt)
	case *nodeAlterDatabaseSetStmt:
		return c.alterDatabase(s.AlterDatabaseSetStmt)
	case *nodeVariableShowStmt:
		return &ast.Show{Name: strings.ToLower(s.VariableShowStmt.GetName())}
	case *nodePrepareStmt:
		return c.prepare(s.PrepareStmt)
	case *nodeExecuteStmt:
		return &ast.Execute{Name: s.ExecuteStmt.GetName(), Args: c.exprs(s.ExecuteStmt.GetParams())}
	case *nodeDeallocateStmt:
		return &ast.Deallocate{Name: s.DeallocateStmt.GetName()}
	case *nodeDeclareCursorStmt:
		return c.declareCursor(s.DeclareCursorStmt)
	case *nodeFetchStmt:
		return c.fetch(s.FetchStmt)
	case *nodeClosePortalStmt:
		return &ast.CloseCursor{Name: s.ClosePortalStmt.GetPortalname()}
	case *nodeCheckPointStmt:
		return &ast.Checkpoint{}
	case *nodeVacuumStmt:
		return c.vacuum(s.VacuumStmt)
	case *nodeLockStmt:
		l := s.LockStmt
		return &ast.LockTable{Tables: c.tableRefs(l.GetRelations()), Mode: int(l.GetMode()), NoWait: l.GetNowait()}
	case *nodeConstraintsSetStmt:
		return c.setConstraints(s.ConstraintsSetStmt)
	case *nodeDiscardStmt:
		return c.discard(s.DiscardStmt)
	case *nodeListenStmt:
		return &ast.Listen{Channel: s.ListenStmt.GetConditionname()}
	case *nodeUnlistenStmt:
		return &ast.Unlisten{Channel: s.UnlistenStmt.GetConditionname()}
	case *nodeNotifyStmt:
		return &ast.Notify{Channel: s.NotifyStmt.GetConditionname(), Payload: s.NotifyStmt.GetPayload()}
	}
	return nil
}

func (c *converter) transaction(s *pgTransactionStmt) ast.Stmt {
	out := &ast.Transaction{Name: s.GetSavepointName(), Chain: s.GetChain(), Modes: c.txModes(s.GetOptions())}
	switch s.GetKind() {
	case transStmtBegin:
	case transStmtStart:
		out.Start = true
	case transStmtCommit:
		out.Kind = ast.Commit
	case transStmtRollback:
		out.Kind = ast.Rollback
	case transStmtSavepoint:
		out.Kind = ast.Savepoint
	case transStmtRelease:
		out.Kind = ast.Release
	case transStmtRollbackTo:
		out.Kind = ast.RollbackTo
	default:
		c.unsupported("two-phase commit", 0)
	}
	return out
}

// txModes converts transaction modes; of a mode given twice the last counts.
func (c *converter) txModes(nodes []*pgNode) ast.TxModes {
	var out ast.TxModes
	for _, n := range nodes {
		d := n.GetDefElem()
		k := d.GetArg().GetAConst()
		on := k.GetIval().GetIval() != 0
		switch d.GetDefname() {
		case "transaction_isolation":
			level := k.GetSval().GetSval()
			out.Isolation = &level
		case "transaction_read_only":
			out.ReadOnly = &on
		case "transaction_deferrable":
			out.Deferrable = &on
		default:
			c.unsupported("transaction mode "+d.GetDefname(), 0)
		}
	}
	return out
}

func (c *converter) set(s *pgVariableSetStmt) ast.Stmt {
	name := strings.ToLower(s.GetName())
	switch s.GetKind() {
	case varReset:
		return &ast.Reset{Name: name}
	case varResetAll:
		return &ast.Reset{}
	case varSetMulti:
		return c.setTransaction(s)
	case varSetCurrent:
		c.unsupported("SET … FROM CURRENT", 0)
		return nil
	}
	out := &ast.Set{At: c.at(s.GetLocation()), Name: name, Default: s.GetKind() == varSetDefault}
	if s.GetIsLocal() {
		out.Scope = ast.LocalScope
	}
	for _, n := range s.GetArgs() {
		k := n.GetAConst()
		if k == nil {
			c.unsupported("SET value", out.At)
			return nil
		}
		out.Values = append(out.Values, *c.literal(k))
	}
	return out
}

func (c *converter) alterDatabase(s *pgAlterDatabaseSetStmt) ast.Stmt {
	out := &ast.AlterDatabase{Name: s.GetDbname(), Change: c.set(s.GetSetstmt())}
	if _, ok := out.Change.(*ast.SetTransaction); ok {
		c.unsupported("ALTER DATABASE … SET TRANSACTION", 0)
	}
	return out
}

func (c *converter) setTransaction(s *pgVariableSetStmt) ast.Stmt {
	switch s.GetName() {
	case "TRANSACTION":
		// SET LOCAL TRANSACTION means the same.
		return &ast.SetTransaction{Modes: c.txModes(s.GetArgs())}
	case "SESSION CHARACTERISTICS":
		return &ast.SetTransaction{Session: true, Modes: c.txModes(s.GetArgs())}
	}
	c.unsupported("SET "+s.GetName(), 0)
	return nil
}

func (c *converter) prepare(s *pgPrepareStmt) ast.Stmt {
	out := &ast.Prepare{Name: s.GetName(), Query: c.stmt(s.GetQuery())}
	for _, n := range s.GetArgtypes() {
		out.Types = append(out.Types, c.typeName(n.GetTypeName()))
	}
	from, _ := c.offsetAfterAs("prepare")
	out.Text = strings.TrimSpace(c.text[from:c.end])
	out.Offset = max(0, int(c.pos.at(int32(from)))-1)
	c.checkSourceText(out.Text)
	return out
}

// Options of DECLARE CURSOR, as in PostgreSQL's parsenodes.h.
const (
	cursorBinary      = 1 << 0
	cursorScroll      = 1 << 1
	cursorNoScroll    = 1 << 2
	cursorInsensitive = 1 << 3
	cursorAsensitive  = 1 << 4
	cursorHold        = 1 << 5
	cursorFastPlan    = 1 << 8
)

func (c *converter) declareCursor(s *pgDeclareCursorStmt) ast.Stmt {
	o := s.GetOptions()
	known := int32(cursorBinary | cursorScroll | cursorNoScroll | cursorInsensitive | cursorAsensitive | cursorHold |
		cursorFastPlan)
	c.refuse(o&^known != 0, "cursor option")
	return &ast.DeclareCursor{
		Name: s.GetPortalname(), Binary: o&cursorBinary != 0, Scroll: o&cursorScroll != 0,
		NoScroll: o&cursorNoScroll != 0, Hold: o&cursorHold != 0, Insensitive: o&cursorInsensitive != 0,
		Query: c.subselect(s.GetQuery()),
	}
}

func (c *converter) fetch(s *pgFetchStmt) ast.Stmt {
	out := &ast.Fetch{Name: s.GetPortalname(), Count: s.GetHowMany(), Move: s.GetIsmove()}
	switch s.GetDirection() {
	case fetchForward:
	case fetchBackward:
		out.Direction = ast.FetchBackward
	case fetchAbsolute:
		out.Direction = ast.FetchAbsolute
	case fetchRelative:
		out.Direction = ast.FetchRelative
	default:
		c.unsupported("FETCH direction", 0)
	}
	return out
}

func (c *converter) vacuum(s *pgVacuumStmt) ast.Stmt {
	out := &ast.Vacuum{Analyze: !s.GetIsVacuumcmd(), Options: c.options(s.GetOptions())}
	for _, n := range s.GetRels() {
		r := n.GetVacuumRelation()
		out.Tables = append(out.Tables, ast.VacuumTable{Table: c.tableRef(r.GetRelation()), Columns: c.strings(r.GetVaCols())})
	}
	return out
}

func (c *converter) discard(s *pgDiscardStmt) ast.Stmt {
	switch s.GetTarget() {
	case discardAll:
		return &ast.Discard{Kind: ast.DiscardAll}
	case discardPlans:
		return &ast.Discard{Kind: ast.DiscardPlans}
	case discardSequences:
		return &ast.Discard{Kind: ast.DiscardSequences}
	case discardTemp:
		return &ast.Discard{Kind: ast.DiscardTemp}
	}
	c.unsupported("DISCARD target", 0)
	return nil
}
