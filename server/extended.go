package server

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// portal is a statement with parameter values, run by its first Execute.
type portal struct {
	p       *query.Prepared
	params  []types.Datum
	formats []int16
	r       *query.Result
	cur     cursor
	done    bool
	tx      uint64 // transactions that the session had ended when it was bound
}

func (c *conn) parse(m *pgproto3.Parse) error {
	if m.Name == "" {
		c.unnamed = nil
	}
	params := make([]types.Type, len(m.ParameterOIDs))
	for i, oid := range m.ParameterOIDs {
		if oid == 0 {
			continue
		}
		k, ok := types.KindByOID(oid)
		if !ok {
			return c.failed(sqlerr.Newf(sqlerr.FeatureNotSupported, "parameters of the type with OID %d are not supported", oid))
		}
		params[i] = types.T(k)
	}
	p, err := c.s.PrepareText(background(), m.Query, params)
	if err != nil {
		return err
	}
	if m.Name == "" {
		c.unnamed = p
	} else if err := c.s.SetNamed(m.Name, p); err != nil {
		return err
	}
	c.send(&pgproto3.ParseComplete{})
	return nil
}

// failed tells the session of an error that it has not seen itself.
func (c *conn) failed(err error) error {
	c.s.Fail(err)
	return err
}

func (c *conn) statement(name string) (*query.Prepared, error) {
	p := c.unnamed
	if name != "" {
		p = c.s.Named(name)
	}
	if p != nil {
		return p, nil
	}
	if name == "" {
		return nil, c.failed(sqlerr.New(sqlerr.InvalidSQLStatementName, "unnamed prepared statement does not exist"))
	}
	return nil, c.failed(sqlerr.Newf(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", name))
}

func (c *conn) bind(m *pgproto3.Bind) error {
	st, err := c.statement(m.PreparedStatement)
	if err != nil {
		return err
	}
	if m.DestinationPortal != "" && c.portal(m.DestinationPortal) != nil {
		return c.failed(sqlerr.Newf(sqlerr.DuplicateCursor, "cursor %q already exists", m.DestinationPortal))
	}
	if len(c.portals) >= portalsMax {
		return c.failed(sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d portals", portalsMax))
	}
	if len(m.Parameters) != len(st.Params) {
		return c.failed(sqlerr.Newf(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement %q requires %d",
			len(m.Parameters), m.PreparedStatement, len(st.Params)))
	}
	if n := len(m.ParameterFormatCodes); n > 1 && n != len(m.Parameters) {
		return c.failed(sqlerr.Newf(sqlerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", n, len(m.Parameters)))
	}
	if n := len(m.ResultFormatCodes); n > 1 && n != len(st.Columns) {
		return c.failed(sqlerr.Newf(sqlerr.ProtocolViolation, "bind message has %d result formats but query has %d columns", n, len(st.Columns)))
	}
	if err := c.s.Runnable(st); err != nil {
		return err
	}
	if err := c.s.Revalidate(background(), st); err != nil {
		return err
	}
	p := &portal{p: st, tx: c.s.Ended(), params: make([]types.Datum, len(m.Parameters)), formats: append([]int16(nil), m.ResultFormatCodes...)}
	for i, b := range m.Parameters {
		if p.params[i], err = parameter(b, formatOf(m.ParameterFormatCodes, i), st.Params[i], c.s.ParseOptions()); err != nil {
			return c.failed(inParameter(err, m, i))
		}
	}
	for i := range st.Columns {
		if err := checkFormat(formatOf(p.formats, i)); err != nil {
			return c.failed(err)
		}
	}
	c.dropPortal(m.DestinationPortal)
	c.portals[m.DestinationPortal] = p
	c.send(&pgproto3.BindComplete{})
	return nil
}

// inParameter adds PostgreSQL's CONTEXT to an error of a parameter value, which is not shown.
func inParameter(err error, m *pgproto3.Bind, i int) error {
	e := sqlerr.From(err)
	text := e.Message
	if e == errBinaryFormat {
		text += fmt.Sprintf(" %d", i+1)
	}
	e = e.WithMessage("%s", text)
	e.Context = "unnamed portal"
	if m.DestinationPortal != "" {
		e.Context = fmt.Sprintf("portal %q", m.DestinationPortal)
	}
	e.Context += fmt.Sprintf(" parameter $%d", i+1)
	if formatOf(m.ParameterFormatCodes, i) == 0 {
		e.Context += " = '...'"
	}
	return e
}

// parameter decodes a parameter value; b is borrowed.
func parameter(b []byte, format int16, t types.Type, o *types.ParseOptions) (types.Datum, error) {
	switch {
	case b == nil:
		return types.NullOf(t.Kind), nil
	case format == 1:
		return parseBinary(b, t)
	case format != 0:
		return types.Datum{}, sqlerr.Newf(sqlerr.ProtocolViolation, "unsupported format code: %d", format)
	}
	if err := types.CheckUTF8(b); err != nil {
		return types.Datum{}, err
	}
	return types.ParseWith(t, string(b), o)
}

func (c *conn) describe(m *pgproto3.Describe) error {
	var p *query.Prepared
	var formats []int16
	if m.ObjectType == 'S' {
		st, err := c.statement(m.Name)
		if err != nil {
			return err
		}
		p = st
		d := &pgproto3.ParameterDescription{}
		for _, t := range p.Params {
			d.ParameterOIDs = append(d.ParameterOIDs, t.OID())
		}
		c.send(d)
	} else {
		po := c.portal(m.Name)
		if po == nil {
			return c.failed(sqlerr.Newf(sqlerr.InvalidCursorName, "portal %q does not exist", m.Name))
		}
		p, formats = po.p, po.formats
	}
	if p.Columns == nil {
		c.send(&pgproto3.NoData{})
	} else {
		c.send(rowDescription(p.Columns, formats))
	}
	return nil
}

func (c *conn) execute(m *pgproto3.Execute) error {
	p := c.portal(m.Portal)
	if p == nil {
		return c.failed(sqlerr.Newf(sqlerr.InvalidCursorName, "portal %q does not exist", m.Portal))
	}
	if err := c.s.Runnable(p.p); err != nil {
		return err
	}
	if p.p.Empty() {
		c.send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	if p.done {
		if p.p.Columns == nil {
			return c.failed(sqlerr.Newf(sqlerr.ObjectNotInPrerequisiteState, "portal %q cannot be run", m.Portal))
		}
		c.send(&pgproto3.CommandComplete{CommandTag: []byte(p.r.TagOf(0))})
		return nil
	}
	if p.r == nil {
		r, err := c.s.Run(background(), p.p, p.params)
		if err != nil {
			return err
		}
		p.r = r
	}
	return c.run(p, int64(m.MaxRows))
}

// run sends rows of a portal, or takes its COPY input. The tag counts the rows of this run, as PostgreSQL's.
func (c *conn) run(p *portal, limit int64) error {
	if p.r.Copy != nil {
		p.done = true
		if err := c.copyIn(p.r); err != nil {
			return err
		}
		c.send(&pgproto3.CommandComplete{CommandTag: []byte(p.r.Tag())})
		return nil
	}
	if p.r.CopyOut != nil && !p.r.Ended() {
		p.done = true
		if err := c.copyOut(p.r); err != nil {
			return errors.Join(c.failed(err), p.r.Close())
		}
		c.send(&pgproto3.CommandComplete{CommandTag: []byte(p.r.Tag())})
		return nil
	}
	sent, more, err := c.rows(p.r, p.formats, limit, &p.cur)
	if err != nil {
		p.done = true
		return errors.Join(c.failed(err), p.r.Close())
	}
	if more {
		c.send(&pgproto3.PortalSuspended{})
		return nil
	}
	p.done = true
	tag := p.r.Tag()
	if p.p.Columns != nil {
		tag = p.r.TagOf(sent)
	}
	c.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
	return nil
}

func (c *conn) close(m *pgproto3.Close) error {
	if m.ObjectType == 'S' {
		if m.Name == "" {
			c.unnamed = nil
		} else {
			c.s.DropNamed(m.Name)
		}
	} else {
		c.dropPortal(m.Name)
	}
	c.send(&pgproto3.CloseComplete{})
	return nil
}

// portal returns a portal by name, or nil. Those of transactions that have ended are gone.
func (c *conn) portal(name string) *portal {
	p := c.portals[name]
	if p != nil && p.tx != c.s.Ended() {
		c.dropPortal(name)
		return nil
	}
	return p
}

func (c *conn) dropPortal(name string) {
	p := c.portals[name]
	if p == nil {
		return
	}
	delete(c.portals, name)
	if p.r != nil {
		_ = p.r.Close() // a reader that is dropped; its error would have shown in reading
	}
}

// sync ends the implicit transaction of the messages since the last Sync.
func (c *conn) sync() error {
	var cause error
	if c.skip {
		cause = errSkipped
	}
	c.skip = false
	if err := c.s.Finish(background(), cause); err != nil {
		if err := c.fail(err); err != nil {
			return err
		}
	}
	return c.ready()
}

var errSkipped = sqlerr.New(sqlerr.InFailedSQLTransaction, "a message before Sync failed")
