package system

import "github.com/laminadb/lamina/table"

var sequenceRelations = []relation{
	{schema: pgCatalog, name: "pg_sequence", oid: 2224, rows: sequences,
		columns: "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, " +
			"seqcycle bool"},
	{schema: pgCatalog, name: "pg_sequences", rows: sequenceList,
		columns: "schemaname name, sequencename name, sequenceowner name, data_type regtype, start_value int8, " +
			"min_value int8, max_value int8, increment_by int8, cycle bool, cache_size int8, last_value int8"},
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

// sequenceList leaves out where the sequences stand: asking would wait for whoever changes one.
func sequenceList(m *maker) {
	for _, d := range m.sequencesOf() {
		m.add(m.schemaName(d.Schema), d.Name, m.User, d.Type.OID(), d.Start, d.Min, d.Max, d.Increment, d.Cycle, d.Cache, nil)
	}
}
