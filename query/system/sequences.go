package system

import (
	"strconv"

	"github.com/laminadb/lamina/table"
)

var sequenceRelations = []relation{
	{schema: pgCatalog, name: "pg_sequence", oid: 2224, rows: sequences,
		columns: "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, " +
			"seqcycle bool"},
	{schema: pgCatalog, name: "pg_sequences", rows: sequenceList,
		columns: "schemaname name, sequencename name, sequenceowner name, data_type regtype, start_value int8, " +
			"min_value int8, max_value int8, increment_by int8, cycle bool, cache_size int8"},
	{schema: pgCatalog, name: "pg_depend", oid: 2608, rows: dependencies,
		columns: "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char"},
}

func (m *maker) sequencesOf() (list []*table.SequenceDef) {
	for _, o := range m.Schema.List(table.KindSequence) {
		list = append(list, o.(*table.SequenceDef))
	}
	return list
}

func sequences(m *maker) {
	for _, d := range m.sequencesOf() {
		m.add(d.ID, d.Type.OID(), d.Start, d.Increment, d.Max, d.Min, d.Cache, d.Cycle)
	}
}

// sequenceList has no column last_value, rather than one that is always NULL: asking where the sequences stand would wait for whoever changes one.
func sequenceList(m *maker) {
	for _, d := range m.sequencesOf() {
		m.add(m.schemaName(d.Schema), d.Name, m.User, d.Type.OID(), d.Start, d.Min, d.Max, d.Increment, d.Cycle, d.Cache)
	}
}

// dependencies are those of sequences on the columns that they go with.
func dependencies(m *maker) {
	class := OIDOf(pgCatalog, "pg_class")
	for _, d := range m.sequencesOf() {
		owner, ok := m.Schema.ByID(d.Owner).(*table.TableDef)
		if !ok {
			continue
		}
		for i := range owner.Columns {
			if owner.Columns[i].ID != d.OwnerColumn {
				continue
			}
			kind := "a"
			if d.Identity {
				kind = "i"
			}
			m.add(class, d.ID, 0, class, owner.ID, i+1, kind)
		}
	}
}

func informationSequences(m *maker) {
	for _, d := range m.sequencesOf() {
		if d.Identity {
			continue
		}
		text := func(n int64) string { return strconv.FormatInt(n, 10) }
		m.add(m.Database, m.schemaName(d.Schema), d.Name, d.Type.String(), d.Type.Size()*8, 2, 0, text(d.Start), text(d.Min), text(d.Max),
			text(d.Increment), d.Cycle)
	}
}
