package system

import (
	"strings"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
)

var stateRelations = []relation{
	{schema: pgCatalog, name: "pg_database", oid: 1262, rows: databases,
		columns: "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool, " +
			"dathasloginevt bool, datconnlimit int4, datfrozenxid int8, datminmxid int8, dattablespace oid, datcollate text, " +
			"datctype text, datlocale text, daticurules text, datcollversion text, datacl _aclitem, daticulocale text"},
	{schema: pgCatalog, name: "pg_roles", oid: 12000, rows: roles,
		columns: "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, " +
			"rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool, rolconfig _text, oid oid"},
	{schema: pgCatalog, name: "pg_authid", oid: 1260, rows: authIDs,
		columns: "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, " +
			"rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz"},
	{schema: pgCatalog, name: "pg_user", oid: 12014, rows: users,
		columns: "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text, " +
			"valuntil timestamptz, useconfig _text"},
	{schema: pgCatalog, name: "pg_tablespace", oid: 1213, rows: tablespaces,
		columns: "oid oid, spcname name, spcowner oid, spcacl _aclitem, spcoptions _text"},
	{schema: pgCatalog, name: "pg_settings", oid: 12104, rows: settingRows,
		columns: "name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, vartype text, " +
			"source text, min_val text, max_val text, enumvals _text, boot_val text, reset_val text, sourcefile text, sourceline int4, " +
			"pending_restart bool"},
	{schema: pgCatalog, name: "pg_stat_activity", oid: 12226, rows: activity,
		columns: "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, application_name text, " +
			"client_addr text, client_hostname text, client_port int4, backend_start timestamptz, xact_start timestamptz, " +
			"query_start timestamptz, state_change timestamptz, wait_event_type text, wait_event text, state text, backend_xid int8, " +
			"backend_xmin int8, query_id int8, query text, backend_type text"},
	{schema: pgCatalog, name: "pg_locks", oid: 12073, rows: lockRows,
		columns: "locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, transactionid int8, classid oid, " +
			"objid oid, objsubid int2, virtualtransaction text, pid int4, mode text, granted bool, fastpath bool, waitstart timestamptz"},
	{schema: pgCatalog, name: "pg_stat_user_tables", oid: 12165, rows: userTables,
		columns: "relid oid, schemaname name, relname name, n_live_tup int8, n_dead_tup int8"},
	{schema: pgCatalog, name: "pg_stats", oid: 12048, rows: columnStatistics,
		columns: "schemaname name, tablename name, attname name, inherited bool, null_frac float4, avg_width int4, n_distinct float4, " +
			"most_common_vals _text, most_common_freqs _text, histogram_bounds _text, correlation float4, most_common_elems _text, " +
			"most_common_elem_freqs _text, elem_count_histogram _text, range_length_histogram _text, range_empty_frac float4, " +
			"range_bounds_histogram _text"},
}

// utf8 is the number of the encoding UTF8.
const utf8 = 6

// defaultTablespace is the OID of pg_default.
const defaultTablespace = 1663

func databases(m *maker) {
	m.add(databaseOID, m.Database, UserOID, utf8, "c", false, true, false, -1, 0, 0, defaultTablespace, "C", "C", nil, nil, nil, nil, nil)
}

func roles(m *maker) {
	m.add(m.User, true, true, true, true, true, false, -1, "********", nil, true, nil, UserOID)
}

func authIDs(m *maker) {
	m.add(UserOID, m.User, true, true, true, true, true, false, true, -1, nil, nil)
}

func users(m *maker) { m.add(m.User, UserOID, true, true, false, true, "********", nil, nil) }

func tablespaces(m *maker) { m.add(defaultTablespace, "pg_default", UserOID, nil, nil) }

// orNull is NULL for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func settingRows(m *maker) {
	for _, s := range m.Settings() {
		context, source := "user", "default"
		if s.Fixed {
			context = "internal"
		}
		if s.Value != s.Boot {
			source = "session"
		}
		var values any
		if len(s.Values) > 0 {
			values = expr.ArrayText(s.Values)
		}
		m.add(s.Name, s.Value, nil, "Lamina", s.Help, nil, context, s.Kind, source, orNull(s.Min), orNull(s.Max), values,
			s.Boot, s.Reset, nil, nil, false)
	}
}

// waiting returns the transactions that wait for a lock.
func waiting(list []table.LockWait) map[uint64]bool {
	out := map[uint64]bool{}
	for _, w := range list {
		out[w.Waiter] = true
	}
	return out
}

func activity(m *maker) {
	waits := waiting(m.Metrics().LockWaits)
	for _, s := range m.Sessions() {
		var event, eventType, xid any
		if s.TxID != 0 {
			xid = s.TxID
			if waits[s.TxID] {
				eventType, event = "Lock", "lock"
			}
		}
		m.add(databaseOID, s.Database, s.ID, nil, UserOID, s.User, s.Application, nil, nil, nil, s.Started, s.TxStart, s.QStart, nil,
			eventType, event, s.State, xid, nil, nil, s.Query, "client backend")
	}
}

// lockRows shows who waits for whom: an exclusive lock that each transaction has on itself, and one that its waiters
// have asked for. Row and table locks are not listed one by one.
func lockRows(m *maker) {
	pids := map[uint64]uint32{}
	for _, s := range m.Sessions() {
		if s.TxID != 0 {
			pids[s.TxID] = s.ID
			m.lockRow(s.TxID, s.ID, "ExclusiveLock", true)
		}
	}
	for _, w := range m.Metrics().LockWaits {
		m.lockRow(w.Holder, pids[w.Waiter], "ShareLock", false)
	}
}

func (m *maker) lockRow(tx uint64, pid uint32, mode string, granted bool) {
	var session any
	if pid != 0 {
		session = pid
	}
	m.add("transactionid", databaseOID, nil, nil, nil, nil, tx, nil, nil, nil, nil, session, mode, granted, false, nil)
}

func userTables(m *maker) {
	rows := map[table.ObjectID]table.TableMetrics{}
	for _, t := range m.Metrics().Tables {
		rows[t.ID] = t
	}
	for _, d := range m.tablesOf() {
		if name := m.schemaName(d.Schema); !strings.HasPrefix(name, "pg_") {
			m.add(d.ID, name, d.Name, rows[d.ID].Rows, rows[d.ID].DeadRows)
		}
	}
}
