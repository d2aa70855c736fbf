package sqlparse

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sqlc-dev/oliphant/ast"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	own "github.com/laminadb/lamina/query/ast"
)

// ignorable are fields of the grammar's tree that say nothing about the meaning of a statement as it comes
// from the parser: positions, and what only later phases of PostgreSQL fill in.
var ignorable = map[string]string{
	"location": "position", "stmt_location": "position", "stmt_len": "position", "rexpr_list_start": "position",
	"rexpr_list_end": "position", "list_start": "position", "list_end": "position",
	"xpr": "analysis", "casetype": "analysis", "casecollid": "analysis", "coalescetype": "analysis",
	"coalescecollid": "analysis", "minmaxtype": "analysis", "minmaxcollid": "analysis", "inputcollid": "analysis",
	"type_oid": "analysis", "typemod": "analysis", "sub_link_id": "analysis", "row_typeid": "analysis",
	"colnames": "analysis", "argisrow": "analysis", "coll_oid": "analysis", "cooked_expr": "analysis",
	"cooked_default": "analysis", "cterecursive": "analysis", "cterefcount": "analysis", "ctecolnames": "analysis",
	"ctecoltypes": "analysis", "ctecoltypmods": "analysis", "ctecolcollations": "analysis", "rtindex": "analysis",
	"type": "analysis", "type_id": "analysis", "type_mod": "analysis", "collation": "analysis", "argnumber": "analysis",
	"view_query": "analysis", "inhcount": "analysis", "is_local_column": "analysis", "is_from_type": "analysis",
	"identity_sequence": "analysis", "old_conpfeqop": "analysis", "old_pktable_oid": "analysis",
	"initially_valid": "analysis", "reset_default_tblspc": "analysis", "jumble_args": "query identifiers",
	"index_oid": "analysis", "old_number": "analysis", "old_create_subid": "analysis",
	"old_first_relfilelocator_subid": "analysis", "transformed": "analysis", "isconstraint": "analysis",
	"idxcomment": "analysis", "primary": "analysis", "exclude_op_names": "analysis", "iswithoutoverlaps": "analysis",
	"indexcolname": "analysis", "oid": "analysis", "version": "grammar", "recurse": "analysis",
	"inh": "there is no inheritance, so ONLY changes nothing",
}

// ignoredIn are fields that mean nothing in one message only.
var ignoredIn = map[string]string{
	"ColumnDef.is_local":       "set by the parser for every column",
	"Constraint.is_enforced":   "NOT ENFORCED sets skip_validation too",
	"RowExpr.row_format":       "ROW(…) and (…) mean the same",
	"IndexStmt.deferrable":     "constraints only",
	"IndexStmt.initdeferred":   "constraints only",
	"CreateStmt.of_typename":   "refused where set",
	"TransactionStmt.gid":      "two-phase commit only, which is refused",
	"VariableSetStmt.is_local": "SET LOCAL TRANSACTION is SET TRANSACTION; RESET has none",
	"CreateStmt.on_commit":     "PRESERVE ROWS is what temporary tables do; the rest is refused",
	"IntoClause.on_commit":     "PRESERVE ROWS is what temporary tables do; the rest is refused",
	"Constraint.exclusions":    "exclusion constraints are refused",
}

// convertOne converts a tree and prints what comes out.
func convertOne(text string, raw *ast.RawStmt) string {
	s, err := convertStatement(text, raw, newPositions(text), nil)
	if err != nil {
		return "error"
	}
	return own.Dump(s.Body)
}

// TestNothingIsSilentlyAccepted sets, one by one, every field of the trees of the corpus to another value:
// the result must change, or the statement be refused.
func TestNothingIsSilentlyAccepted(t *testing.T) {
	silent := map[string]string{}
	mutations := 0
	for _, text := range corpus(t) {
		tree, err := grammarParse(text)
		if err != nil {
			continue
		}
		for _, raw := range tree.GetStmts() {
			want := convertOne(text, raw)
			if want == "error" {
				continue
			}
			mutate(raw.GetStmt().ProtoReflect(), func(m protoreflect.Message, f protoreflect.FieldDescriptor) {
				mutations++
				if convertOne(text, raw) == want {
					silent[string(m.Descriptor().Name())+"."+string(f.Name())] = text
				}
			})
		}
	}
	for field, text := range silent {
		t.Errorf("%s is dropped: %s", field, text)
	}
	if mutations < 5000 {
		t.Fatalf("only %d mutations were tried", mutations)
	}
}

// mutate calls try for each value that each field of a tree can be changed to, and restores it.
func mutate(m protoreflect.Message, try func(protoreflect.Message, protoreflect.FieldDescriptor)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		full := string(m.Descriptor().Name()) + "." + string(f.Name())
		if ignorable[string(f.Name())] != "" || ignoredIn[full] != "" {
			continue
		}
		if m.Has(f) && f.Message() != nil {
			if f.IsList() {
				l := m.Get(f).List()
				for k := range l.Len() {
					mutate(l.Get(k).Message(), try)
				}
			} else {
				mutate(m.Get(f).Message(), try)
			}
		}
		if f.ContainingOneof() != nil {
			continue // another kind of node, not another field
		}
		if meaningless(m.Interface(), string(f.Name())) {
			continue
		}
		for _, v := range otherValues(m, f) {
			old := m.Get(f)
			had := m.Has(f)
			m.Set(f, v)
			try(m, f)
			if had {
				m.Set(f, old)
			} else {
				m.Clear(f)
			}
		}
	}
}

// meaningless reports whether a field cannot be set, or says nothing, in what the rest of the message is.
func meaningless(m proto.Message, field string) bool {
	in := func(names ...string) bool { return slices.Contains(names, field) }
	switch m := m.(type) {
	case *ast.SelectStmt:
		common := in("sort_clause", "limit_offset", "limit_count", "locking_clause", "with_clause", "op")
		switch {
		case m.GetOp() > ast.SetOperation_SETOP_NONE:
			return !common && !in("all", "larg", "rarg")
		case len(m.GetValuesLists()) > 0:
			return !common && !in("values_lists")
		}
		plainDistinct := len(m.GetDistinctClause()) > 0 && m.GetDistinctClause()[0].GetNode() == nil
		return in("larg", "rarg", "all") || in("values_lists", "limit_option") && m.GetLimitCount() == nil ||
			in("distinct_clause") && plainDistinct
	case *ast.SortBy:
		return m.GetSortbyDir() != ast.SortByDir_SORTBY_USING && in("use_op", "sortby_dir")
	case *ast.IndexElem:
		return in("ordering", "nulls_ordering")
	case *ast.VariableSetStmt:
		return m.GetKind() >= ast.VariableSetKind_VAR_RESET && in("args", "name", "kind")
	case *ast.DefElem:
		return strings.HasPrefix(m.GetDefname(), "transaction_") && in("defnamespace", "defaction")
	case *ast.A_Const:
		return in("isnull") // NULL is a literal of its own; in transaction modes there is none
	case *ast.Integer:
		return true // any other number is seen by the golden files; modes are 0 or 1
	case *ast.SubLink:
		return in("testexpr", "oper_name") && m.GetTestexpr() == nil
	case *ast.A_Expr:
		return m.GetKind() > ast.A_Expr_Kind_AEXPR_OP_ALL && in("name")
	case *ast.String:
		// The names that the grammar gives LIKE, BETWEEN, IS DISTINCT FROM ….
		return isOperatorChar(append([]byte(m.GetSval()), 'x')[0]) || strings.Contains(m.GetSval(), "BETWEEN")
	case *ast.RangeVar:
		return in("relpersistence")
	case *ast.ResTarget:
		return in("val") && m.GetVal() == nil
	case *ast.CopyStmt:
		return in("query", "relation")
	case *ast.DeallocateStmt:
		return in("isall")
	case *ast.RenameStmt:
		return in("relation", "relation_type")
	}
	return false
}

// otherValues returns values that a field does not have.
func otherValues(m protoreflect.Message, f protoreflect.FieldDescriptor) []protoreflect.Value {
	old := m.Get(f)
	switch {
	case f.IsList():
		v := m.NewField(f)
		for k := range old.List().Len() {
			v.List().Append(old.List().Get(k))
		}
		if f.Message() == nil || f.Message().Name() != "Node" {
			return nil
		}
		v.List().Append(protoreflect.ValueOfMessage(stringNode("zz").ProtoReflect()))
		return []protoreflect.Value{v}
	case f.Message() != nil:
		if m.Has(f) {
			return nil
		}
		if f.Message().Name() == "Node" {
			return []protoreflect.Value{protoreflect.ValueOfMessage(stringNode("zz").ProtoReflect())}
		}
		return []protoreflect.Value{protoreflect.ValueOfMessage(filled(m.NewField(f).Message()))}
	case f.Kind() == protoreflect.EnumKind:
		var out []protoreflect.Value
		values := f.Enum().Values()
		for i := range values.Len() {
			if n := values.Get(i).Number(); n != old.Enum() && n != 0 && old.Enum() != 0 {
				out = append(out, protoreflect.ValueOfEnum(n))
			}
		}
		return out
	case f.Kind() == protoreflect.BoolKind:
		return []protoreflect.Value{protoreflect.ValueOfBool(!old.Bool())}
	case f.Kind() == protoreflect.StringKind:
		return []protoreflect.Value{protoreflect.ValueOfString(old.String() + "zz")}
	case f.Kind() == protoreflect.Int32Kind:
		return []protoreflect.Value{protoreflect.ValueOfInt32(int32(old.Int()) + 1)}
	case f.Kind() == protoreflect.Int64Kind:
		return []protoreflect.Value{protoreflect.ValueOfInt64(old.Int() + 1)}
	}
	return nil
}

// filled gives messages that mean nothing while they are empty some content.
func filled(m protoreflect.Message) protoreflect.Message {
	switch m := m.Interface().(type) {
	case *ast.WithClause:
		m.Ctes = []*ast.Node{stringNode("zz")}
	case *ast.ReturningClause:
		m.Options = []*ast.Node{stringNode("zz")}
	}
	return m
}

func stringNode(s string) *ast.Node {
	return &ast.Node{Node: &ast.Node_String_{String_: &ast.String{Sval: s}}}
}

// corpus returns the statements of the golden files.
func corpus(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "\n\n") {
			cmd, rest, _ := strings.Cut(c, "\n")
			input, _, _ := strings.Cut(rest, "\n----")
			switch strings.TrimSpace(cmd) {
			case "parse":
				out = append(out, input)
			case "expr":
				out = append(out, "SELECT "+input)
			}
		}
	}
	if len(out) < 80 {
		t.Fatalf("only %d statements in the corpus", len(out))
	}
	return out
}

var _ proto.Message = (*ast.Node)(nil)
