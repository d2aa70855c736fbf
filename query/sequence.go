package query

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// sequenceUse is what a session remembers of the sequences that it took values of.
type sequenceUse struct {
	values map[table.ObjectID]int64 // currval
	last   table.ObjectID           // of which lastval tells; 0: none
	cached map[table.ObjectID]*cachedValues
}

// cachedValues are values that the session took ahead (CACHE), under a version of the definition.
type cachedValues struct {
	version uint32
	values  []int64
}

// cachedValuesMax bounds the values that a session takes ahead of one sequence.
const cachedValuesMax = 1 << 16

// callSequence runs a function of sequences, in the session's transaction.
func (s *Session) callSequence(c expr.SequenceCall) (int64, error) {
	ctx := s.runContext()
	tx, err := s.storageTx(ctx)
	if err != nil {
		return 0, err
	}
	if c.Op == expr.LastVal {
		if s.sequences.last == 0 {
			return 0, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
		}
		c.ID = uint32(s.sequences.last)
	} else if c.Name != "" {
		d, err := s.binder(ctx, tx).SequenceNamed(c.Name)
		if err != nil {
			return 0, err
		}
		c.ID = uint32(d.ID)
	}
	id := table.ObjectID(c.ID)
	switch c.Op {
	case expr.NextVal:
		return s.nextValue(ctx, tx, id)
	case expr.SetVal:
		return c.Value, s.setValue(ctx, tx, id, table.SequenceValue{Last: c.Value, Called: c.Called})
	}
	v, ok := s.sequences.values[id]
	if ok {
		return v, nil
	}
	o := tx.Schema().ByID(id)
	if o == nil {
		return 0, sqlerr.Newf(sqlerr.UndefinedTable, "relation with OID %d does not exist", id)
	}
	if o.Head().Kind != table.KindSequence {
		return 0, sqlerr.Newf(sqlerr.WrongObjectType, "%q is not a sequence", o.Head().Name)
	}
	return 0, sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState, "currval of sequence %q is not yet defined in this session", o.Head().Name)
}

// nextValue takes the next value: one that the session has taken ahead, if there is any.
func (s *Session) nextValue(ctx context.Context, tx table.Tx, id table.ObjectID) (v int64, err error) {
	d, _ := tx.Schema().ByID(id).(*table.SequenceDef)
	if d == nil || d.Cache <= 1 {
		v, err = tx.Sequences().Next(ctx, id)
	} else {
		v, err = s.cachedValue(ctx, tx, d)
	}
	if err != nil {
		return 0, err
	}
	if s.sequences.values == nil {
		s.sequences.values = map[table.ObjectID]int64{}
	}
	s.sequences.values[id], s.sequences.last = v, id
	return v, nil
}

// cachedValue returns the first of the values taken ahead, and takes more when there is none.
func (s *Session) cachedValue(ctx context.Context, tx table.Tx, d *table.SequenceDef) (int64, error) {
	c := s.sequences.cached[d.ID]
	if c == nil || c.version != d.Version {
		c = &cachedValues{version: d.Version}
		if s.sequences.cached == nil {
			s.sequences.cached = map[table.ObjectID]*cachedValues{}
		}
		s.sequences.cached[d.ID] = c
	}
	n := int64(0)
	if len(c.values) == 0 {
		n = min(d.Cache, cachedValuesMax)
	}
	for int64(len(c.values)) < n {
		v, err := tx.Sequences().Next(ctx, d.ID)
		if err != nil {
			if len(c.values) > 0 && sqlerr.CodeOf(err) == sqlerr.SequenceGeneratorLimitExceeded {
				break // the last values there are
			}
			return 0, err
		}
		c.values = append(c.values, v)
	}
	v := c.values[0]
	c.values = c.values[1:]
	if len(c.values) == 0 {
		delete(s.sequences.cached, d.ID)
	}
	return v, nil
}

// setValue is setval.
func (s *Session) setValue(ctx context.Context, tx table.Tx, id table.ObjectID, v table.SequenceValue) error {
	if err := tx.Sequences().Set(ctx, id, v); err != nil {
		return err
	}
	delete(s.sequences.cached, id)
	if v.Called {
		if s.sequences.values == nil {
			s.sequences.values = map[table.ObjectID]int64{}
		}
		s.sequences.values[id] = v.Last
		if s.sequences.last == 0 {
			s.sequences.last = id
		}
	}
	return nil
}
