package sqlparse

import (
	"errors"
	"fmt"
	"strings"

	pg "github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"

	"github.com/laminadb/lamina/sqlerr"
)

// grammarParse runs the grammar. A panic in it is a limit of the grammar, not a reason to stop the
// program.
func grammarParse(text string) (tree *pg.ParseResult, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, sqlerr.Newf(sqlerr.InternalError, "parser: %v", r)
		}
	}()
	tree, err = parser.ParseToTree(text)
	if err == nil {
		return tree, nil
	}
	if e, ok := errors.AsType[*parser.Error](err); ok {
		return nil, sqlerr.New(grammarCode(e.Message), e.Message).At(e.Cursorpos)
	}
	return nil, sqlerr.Newf(sqlerr.InternalError, "parser: %w", err)
}

// grammarCode returns the SQLSTATE of the grammar's message: 42601 unless PostgreSQL gives another.
func grammarCode(message string) sqlerr.Code {
	for _, c := range []struct {
		part string
		code sqlerr.Code
	}{
		{"not yet implemented", sqlerr.FeatureNotSupported},
		{"is no longer supported", sqlerr.FeatureNotSupported},
		{"is not implemented", sqlerr.FeatureNotSupported},
		{"CONSTRAINT TRIGGER is not supported", sqlerr.FeatureNotSupported},
		{"current database cannot be changed", sqlerr.FeatureNotSupported},
		{"cannot include schema elements", sqlerr.FeatureNotSupported},
		{"cannot be altered to be", sqlerr.FeatureNotSupported},
		{"WITH CHECK OPTION not supported", sqlerr.FeatureNotSupported},
		{"unsafe use of string constant", sqlerr.FeatureNotSupported},
		{"unsafe use of \\'", sqlerr.Code("22P06")},
		{"invalid byte sequence", sqlerr.CharacterNotInRepertoire},
		{"invalid Unicode escape", sqlerr.SyntaxError},
		{"precision for type float", sqlerr.InvalidParameterValue},
		{"unrecognized JSON encoding", sqlerr.InvalidParameterValue},
		{"column number must be in range", sqlerr.InvalidParameterValue},
		{"cannot be used as a role name", sqlerr.ReservedName},
		{"is reserved", sqlerr.ReservedName},
		{"frame start", sqlerr.WindowingError},
		{"frame end", sqlerr.WindowingError},
		{"conflicting constraint properties", sqlerr.SyntaxError},
		{"invalid publication object list", sqlerr.SyntaxError},
	} {
		if strings.Contains(message, c.part) {
			return c.code
		}
	}
	return sqlerr.SyntaxError
}

// grammarNode names the construct of a node that the conversion has no case for.
func grammarNode(n *pg.Node) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", n.GetNode()), "*ast.Node_")
	if known, ok := grammarNames[name]; ok {
		return known
	}
	return name
}

var grammarNames = map[string]string{
	"XmlExpr": "XML expression", "XmlSerialize": "XMLSERIALIZE",
	"CurrentOfExpr":         "WHERE CURRENT OF",
	"JsonObjectConstructor": "JSON_OBJECT",
	"JsonArrayConstructor":  "JSON_ARRAY", "JsonArrayQueryConstructor": "JSON_ARRAY",
	"JsonObjectAgg": "JSON_OBJECTAGG", "JsonArrayAgg": "JSON_ARRAYAGG", "JsonIsPredicate": "IS JSON",
	"JsonParseExpr": "JSON", "JsonScalarExpr": "JSON_SCALAR", "JsonSerializeExpr": "JSON_SERIALIZE",
	"JsonFuncExpr": "JSON query function", "JsonTable": "JSON_TABLE", "RangeTableFunc": "XMLTABLE",
	"RangeTableSample": "TABLESAMPLE", "TableLikeClause": "LIKE in CREATE TABLE",
}

// grammarAlter names a command of ALTER TABLE.
func grammarAlter(a *pg.AlterTableCmd) string {
	return strings.TrimPrefix(a.GetSubtype().String(), "AT_")
}

// The grammar's messages, under names of this package.
type (
	pgAConst                = pg.A_Const
	pgAExpr                 = pg.A_Expr
	pgAlias                 = pg.Alias
	pgAlterObjectSchemaStmt = pg.AlterObjectSchemaStmt
	pgAlterSeqStmt          = pg.AlterSeqStmt
	pgAlterTableCmd         = pg.AlterTableCmd
	pgAlterDatabaseSetStmt  = pg.AlterDatabaseSetStmt
	pgAlterTableStmt        = pg.AlterTableStmt
	pgBoolExpr              = pg.BoolExpr
	pgBooleanTest           = pg.BooleanTest
	pgCaseExpr              = pg.CaseExpr
	pgCollateClause         = pg.CollateClause
	pgColumnDef             = pg.ColumnDef
	pgColumnRef             = pg.ColumnRef
	pgConstraint            = pg.Constraint
	pgConstraintsSetStmt    = pg.ConstraintsSetStmt
	pgCopyStmt              = pg.CopyStmt
	pgCreateSeqStmt         = pg.CreateSeqStmt
	pgCreateStmt            = pg.CreateStmt
	pgCreateTableAsStmt     = pg.CreateTableAsStmt
	pgDeclareCursorStmt     = pg.DeclareCursorStmt
	pgDefElem               = pg.DefElem
	pgDeleteStmt            = pg.DeleteStmt
	pgDiscardStmt           = pg.DiscardStmt
	pgDropStmt              = pg.DropStmt
	pgFetchStmt             = pg.FetchStmt
	pgFuncCall              = pg.FuncCall
	pgIndexStmt             = pg.IndexStmt
	pgInsertStmt            = pg.InsertStmt
	pgIntoClause            = pg.IntoClause
	pgJoinExpr              = pg.JoinExpr
	pgLockingClause         = pg.LockingClause
	pgMergeStmt             = pg.MergeStmt
	pgNode                  = pg.Node
	pgOverridingKind        = pg.OverridingKind
	pgOnConflictClause      = pg.OnConflictClause
	pgPrepareStmt           = pg.PrepareStmt
	pgRangeFunction         = pg.RangeFunction
	pgOnCommit              = pg.OnCommitAction
	pgParseResult           = pg.ParseResult
	pgRangeVar              = pg.RangeVar
	pgRawStmt               = pg.RawStmt
	pgRenameStmt            = pg.RenameStmt
	pgReturningClause       = pg.ReturningClause
	pgSQLValueFunction      = pg.SQLValueFunction
	pgSelectStmt            = pg.SelectStmt
	pgSubLink               = pg.SubLink
	pgTransactionStmt       = pg.TransactionStmt
	pgTruncateStmt          = pg.TruncateStmt
	pgTypeName              = pg.TypeName
	pgUpdateStmt            = pg.UpdateStmt
	pgVacuumStmt            = pg.VacuumStmt
	pgVariableSetStmt       = pg.VariableSetStmt
	pgViewStmt              = pg.ViewStmt
	pgWindowDef             = pg.WindowDef
	pgWithClause            = pg.WithClause
)

// The alternatives of a node.
type (
	nodeAArrayExpr            = pg.Node_AArrayExpr
	nodeAConst                = pg.Node_AConst
	nodeAExpr                 = pg.Node_AExpr
	nodeAIndirection          = pg.Node_AIndirection
	nodeAStar                 = pg.Node_AStar
	nodeAlterObjectSchemaStmt = pg.Node_AlterObjectSchemaStmt
	nodeAlterDatabaseSetStmt  = pg.Node_AlterDatabaseSetStmt
	nodeAlterTableStmt        = pg.Node_AlterTableStmt
	nodeBoolExpr              = pg.Node_BoolExpr
	nodeBoolean               = pg.Node_Boolean
	nodeBooleanTest           = pg.Node_BooleanTest
	nodeCaseExpr              = pg.Node_CaseExpr
	nodeCheckPointStmt        = pg.Node_CheckPointStmt
	nodeClosePortalStmt       = pg.Node_ClosePortalStmt
	nodeCoalesceExpr          = pg.Node_CoalesceExpr
	nodeCollateClause         = pg.Node_CollateClause
	nodeColumnDef             = pg.Node_ColumnDef
	nodeColumnRef             = pg.Node_ColumnRef
	nodeAlterSeqStmt          = pg.Node_AlterSeqStmt
	nodeConstraint            = pg.Node_Constraint
	nodeConstraintsSetStmt    = pg.Node_ConstraintsSetStmt
	nodeCopyStmt              = pg.Node_CopyStmt
	nodeCreateSchemaStmt      = pg.Node_CreateSchemaStmt
	nodeCreateSeqStmt         = pg.Node_CreateSeqStmt
	nodeCreateStmt            = pg.Node_CreateStmt
	nodeCreateTableAsStmt     = pg.Node_CreateTableAsStmt
	nodeDeallocateStmt        = pg.Node_DeallocateStmt
	nodeDeclareCursorStmt     = pg.Node_DeclareCursorStmt
	nodeDeleteStmt            = pg.Node_DeleteStmt
	nodeDiscardStmt           = pg.Node_DiscardStmt
	nodeDropStmt              = pg.Node_DropStmt
	nodeExecuteStmt           = pg.Node_ExecuteStmt
	nodeExplainStmt           = pg.Node_ExplainStmt
	nodeFetchStmt             = pg.Node_FetchStmt
	nodeFloat                 = pg.Node_Float
	nodeFuncCall              = pg.Node_FuncCall
	nodeGroupingFunc          = pg.Node_GroupingFunc
	nodeGroupingSet           = pg.Node_GroupingSet
	nodeIndexStmt             = pg.Node_IndexStmt
	nodeInsertStmt            = pg.Node_InsertStmt
	nodeInteger               = pg.Node_Integer
	nodeJoinExpr              = pg.Node_JoinExpr
	nodeList                  = pg.Node_List
	nodeListenStmt            = pg.Node_ListenStmt
	nodeLockStmt              = pg.Node_LockStmt
	nodeMinMaxExpr            = pg.Node_MinMaxExpr
	nodeNamedArgExpr          = pg.Node_NamedArgExpr
	nodeMergeStmt             = pg.Node_MergeStmt
	nodeMergeSupportFunc      = pg.Node_MergeSupportFunc
	nodeNotifyStmt            = pg.Node_NotifyStmt
	nodeNullTest              = pg.Node_NullTest
	nodeParamRef              = pg.Node_ParamRef
	nodePrepareStmt           = pg.Node_PrepareStmt
	nodeRangeFunction         = pg.Node_RangeFunction
	nodeRangeSubselect        = pg.Node_RangeSubselect
	nodeRangeVar              = pg.Node_RangeVar
	nodeRenameStmt            = pg.Node_RenameStmt
	nodeRowExpr               = pg.Node_RowExpr
	nodeSQLValueFunction      = pg.Node_SqlvalueFunction
	nodeSelectStmt            = pg.Node_SelectStmt
	nodeSetToDefault          = pg.Node_SetToDefault
	nodeString                = pg.Node_String_
	nodeSubLink               = pg.Node_SubLink
	nodeTransactionStmt       = pg.Node_TransactionStmt
	nodeTruncateStmt          = pg.Node_TruncateStmt
	nodeTypeCast              = pg.Node_TypeCast
	nodeTypeName              = pg.Node_TypeName
	nodeUnlistenStmt          = pg.Node_UnlistenStmt
	nodeUpdateStmt            = pg.Node_UpdateStmt
	nodeVacuumStmt            = pg.Node_VacuumStmt
	nodeVariableSetStmt       = pg.Node_VariableSetStmt
	nodeVariableShowStmt      = pg.Node_VariableShowStmt
	nodeViewStmt              = pg.Node_ViewStmt
)

// The grammar's enumerations.
const (
	aexprBetween            = pg.A_Expr_Kind_AEXPR_BETWEEN
	aexprBetweenSym         = pg.A_Expr_Kind_AEXPR_BETWEEN_SYM
	aexprDistinct           = pg.A_Expr_Kind_AEXPR_DISTINCT
	aexprIlike              = pg.A_Expr_Kind_AEXPR_ILIKE
	aexprIn                 = pg.A_Expr_Kind_AEXPR_IN
	aexprLike               = pg.A_Expr_Kind_AEXPR_LIKE
	aexprNotBetween         = pg.A_Expr_Kind_AEXPR_NOT_BETWEEN
	aexprNotBetweenSym      = pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM
	aexprNotDistinct        = pg.A_Expr_Kind_AEXPR_NOT_DISTINCT
	aexprNullif             = pg.A_Expr_Kind_AEXPR_NULLIF
	aexprOp                 = pg.A_Expr_Kind_AEXPR_OP
	aexprOpAll              = pg.A_Expr_Kind_AEXPR_OP_ALL
	aexprOpAny              = pg.A_Expr_Kind_AEXPR_OP_ANY
	aexprSimilar            = pg.A_Expr_Kind_AEXPR_SIMILAR
	allSublink              = pg.SubLinkType_ALL_SUBLINK
	andExpr                 = pg.BoolExprType_AND_EXPR
	anySublink              = pg.SubLinkType_ANY_SUBLINK
	arraySublink            = pg.SubLinkType_ARRAY_SUBLINK
	atAddColumn             = pg.AlterTableType_AT_AddColumn
	atAddIdentity           = pg.AlterTableType_AT_AddIdentity
	atSetIdentity           = pg.AlterTableType_AT_SetIdentity
	atDropIdentity          = pg.AlterTableType_AT_DropIdentity
	atDropExpression        = pg.AlterTableType_AT_DropExpression
	atAddConstraint         = pg.AlterTableType_AT_AddConstraint
	atAlterColumnType       = pg.AlterTableType_AT_AlterColumnType
	atColumnDefault         = pg.AlterTableType_AT_ColumnDefault
	atDropColumn            = pg.AlterTableType_AT_DropColumn
	atDropConstraint        = pg.AlterTableType_AT_DropConstraint
	atDropNotNull           = pg.AlterTableType_AT_DropNotNull
	atResetRelOptions       = pg.AlterTableType_AT_ResetRelOptions
	atSetAccessMethod       = pg.AlterTableType_AT_SetAccessMethod
	atSetCompression        = pg.AlterTableType_AT_SetCompression
	atSetNotNull            = pg.AlterTableType_AT_SetNotNull
	atSetRelOptions         = pg.AlterTableType_AT_SetRelOptions
	coerceImplicitCast      = pg.CoercionForm_COERCE_IMPLICIT_CAST
	atValidateConstraint    = pg.AlterTableType_AT_ValidateConstraint
	coerceSQLSyntax         = pg.CoercionForm_COERCE_SQL_SYNTAX
	cmdDelete               = pg.CmdType_CMD_DELETE
	cmdInsert               = pg.CmdType_CMD_INSERT
	cmdNothing              = pg.CmdType_CMD_NOTHING
	cmdUpdate               = pg.CmdType_CMD_UPDATE
	constrAttrDeferrable    = pg.ConstrType_CONSTR_ATTR_DEFERRABLE
	constrAttrDeferred      = pg.ConstrType_CONSTR_ATTR_DEFERRED
	constrAttrEnforced      = pg.ConstrType_CONSTR_ATTR_ENFORCED
	constrAttrImmediate     = pg.ConstrType_CONSTR_ATTR_IMMEDIATE
	constrAttrNotDeferrable = pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE
	constrAttrNotEnforced   = pg.ConstrType_CONSTR_ATTR_NOT_ENFORCED
	constrCheck             = pg.ConstrType_CONSTR_CHECK
	constrDefault           = pg.ConstrType_CONSTR_DEFAULT
	constrExclusion         = pg.ConstrType_CONSTR_EXCLUSION
	constrForeign           = pg.ConstrType_CONSTR_FOREIGN
	constrGenerated         = pg.ConstrType_CONSTR_GENERATED
	constrIdentity          = pg.ConstrType_CONSTR_IDENTITY
	constrNotnull           = pg.ConstrType_CONSTR_NOTNULL
	constrNull              = pg.ConstrType_CONSTR_NULL
	constrPrimary           = pg.ConstrType_CONSTR_PRIMARY
	constrUnique            = pg.ConstrType_CONSTR_UNIQUE
	cteMaterializeAlways    = pg.CTEMaterialize_CTEMaterializeAlways
	cteMaterializeNever     = pg.CTEMaterialize_CTEMaterializeNever
	defelemUnspec           = pg.DefElemAction_DEFELEM_UNSPEC
	discardAll              = pg.DiscardMode_DISCARD_ALL
	discardPlans            = pg.DiscardMode_DISCARD_PLANS
	discardSequences        = pg.DiscardMode_DISCARD_SEQUENCES
	discardTemp             = pg.DiscardMode_DISCARD_TEMP
	dropCascade             = pg.DropBehavior_DROP_CASCADE
	existsSublink           = pg.SubLinkType_EXISTS_SUBLINK
	exprSublink             = pg.SubLinkType_EXPR_SUBLINK
	fetchAbsolute           = pg.FetchDirection_FETCH_ABSOLUTE
	fetchBackward           = pg.FetchDirection_FETCH_BACKWARD
	fetchForward            = pg.FetchDirection_FETCH_FORWARD
	fetchRelative           = pg.FetchDirection_FETCH_RELATIVE
	groupingSetCube         = pg.GroupingSetKind_GROUPING_SET_CUBE
	groupingSetEmpty        = pg.GroupingSetKind_GROUPING_SET_EMPTY
	groupingSetRollup       = pg.GroupingSetKind_GROUPING_SET_ROLLUP
	groupingSetSets         = pg.GroupingSetKind_GROUPING_SET_SETS
	isFalse                 = pg.BoolTestType_IS_FALSE
	isLeast                 = pg.MinMaxOp_IS_LEAST
	isNotFalse              = pg.BoolTestType_IS_NOT_FALSE
	isNotNull               = pg.NullTestType_IS_NOT_NULL
	isNotTrue               = pg.BoolTestType_IS_NOT_TRUE
	isNotUnknown            = pg.BoolTestType_IS_NOT_UNKNOWN
	isTrue                  = pg.BoolTestType_IS_TRUE
	isUnknown               = pg.BoolTestType_IS_UNKNOWN
	joinFull                = pg.JoinType_JOIN_FULL
	joinInner               = pg.JoinType_JOIN_INNER
	joinLeft                = pg.JoinType_JOIN_LEFT
	joinRight               = pg.JoinType_JOIN_RIGHT
	lcsForkeyshare          = pg.LockClauseStrength_LCS_FORKEYSHARE
	lcsFornokeyupdate       = pg.LockClauseStrength_LCS_FORNOKEYUPDATE
	lcsForshare             = pg.LockClauseStrength_LCS_FORSHARE
	limitOptionWithTies     = pg.LimitOption_LIMIT_OPTION_WITH_TIES
	lockWaitError           = pg.LockWaitPolicy_LockWaitError
	lockWaitSkip            = pg.LockWaitPolicy_LockWaitSkip
	noCheckOption           = pg.ViewCheckOption_NO_CHECK_OPTION
	mergeNotMatchedBySource = pg.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE
	mergeNotMatchedByTarget = pg.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_TARGET
	notExpr                 = pg.BoolExprType_NOT_EXPR
	objectColumn            = pg.ObjectType_OBJECT_COLUMN
	objectIndex             = pg.ObjectType_OBJECT_INDEX
	objectMatview           = pg.ObjectType_OBJECT_MATVIEW
	objectSchema            = pg.ObjectType_OBJECT_SCHEMA
	objectSequence          = pg.ObjectType_OBJECT_SEQUENCE
	objectTabconstraint     = pg.ObjectType_OBJECT_TABCONSTRAINT
	objectTable             = pg.ObjectType_OBJECT_TABLE
	objectView              = pg.ObjectType_OBJECT_VIEW
	oncommitPreserve        = pg.OnCommitAction_ONCOMMIT_PRESERVE_ROWS
	onconflictNothing       = pg.OnConflictAction_ONCONFLICT_NOTHING
	orExpr                  = pg.BoolExprType_OR_EXPR
	overridingSystemValue   = pg.OverridingKind_OVERRIDING_SYSTEM_VALUE
	overridingUserValue     = pg.OverridingKind_OVERRIDING_USER_VALUE
	setopIntersect          = pg.SetOperation_SETOP_INTERSECT
	setopNone               = pg.SetOperation_SETOP_NONE
	setopUnion              = pg.SetOperation_SETOP_UNION
	sortbyDefault           = pg.SortByDir_SORTBY_DEFAULT
	sortbyDesc              = pg.SortByDir_SORTBY_DESC
	sortbyNullsDefault      = pg.SortByNulls_SORTBY_NULLS_DEFAULT
	sortbyNullsFirst        = pg.SortByNulls_SORTBY_NULLS_FIRST
	sortbyNullsLast         = pg.SortByNulls_SORTBY_NULLS_LAST
	sortbyUsing             = pg.SortByDir_SORTBY_USING
	svfopCurrentCatalog     = pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG
	svfopCurrentDate        = pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE
	svfopCurrentRole        = pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE
	svfopCurrentSchema      = pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA
	svfopCurrentTime        = pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME
	svfopCurrentTimeN       = pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N
	svfopCurrentTimestamp   = pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP
	svfopCurrentTimestampN  = pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N
	svfopCurrentUser        = pg.SQLValueFunctionOp_SVFOP_CURRENT_USER
	svfopLocaltime          = pg.SQLValueFunctionOp_SVFOP_LOCALTIME
	svfopLocaltimeN         = pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N
	svfopLocaltimestamp     = pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP
	svfopLocaltimestampN    = pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N
	svfopSessionUser        = pg.SQLValueFunctionOp_SVFOP_SESSION_USER
	svfopUser               = pg.SQLValueFunctionOp_SVFOP_USER
	transStmtBegin          = pg.TransactionStmtKind_TRANS_STMT_BEGIN
	transStmtCommit         = pg.TransactionStmtKind_TRANS_STMT_COMMIT
	transStmtRelease        = pg.TransactionStmtKind_TRANS_STMT_RELEASE
	transStmtRollback       = pg.TransactionStmtKind_TRANS_STMT_ROLLBACK
	transStmtRollbackTo     = pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO
	transStmtSavepoint      = pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT
	transStmtStart          = pg.TransactionStmtKind_TRANS_STMT_START
	varReset                = pg.VariableSetKind_VAR_RESET
	varResetAll             = pg.VariableSetKind_VAR_RESET_ALL
	varSetCurrent           = pg.VariableSetKind_VAR_SET_CURRENT
	varSetDefault           = pg.VariableSetKind_VAR_SET_DEFAULT
	varSetMulti             = pg.VariableSetKind_VAR_SET_MULTI
)
