// Package sqlerr holds the errors that a client of Lamina may see: each carries the five-character
// SQLSTATE of PostgreSQL and, where known, the objects and the place in the statement it is about.
//
// Packages declare their errors with New (for sentinels that callers compare with errors.Is) or
// Newf (for one-off errors), add fields with the With methods (each returns a copy), and wrap on
// the way up with %w. CodeOf finds the SQLSTATE of any error chain; an error without one is an
// internal error, XX000.
package sqlerr

import (
	"context"
	"errors"
	"fmt"
)

// Error is an error with a SQLSTATE. Its fields are those of PostgreSQL's error response.
type Error struct {
	Code    Code
	Message string
	Detail  string
	Hint    string
	// Position is the 1-based position, in characters, in the statement text; 0 if unknown.
	Position   int
	Schema     string
	Table      string
	Column     string
	DataType   string
	Constraint string
	// Context says what was being done (PostgreSQL's CONTEXT or where field).
	Context string

	cause error
	base  *Error // the sentinel this error was copied from
}

// New returns an error with the given SQLSTATE and message, usable as a sentinel.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf returns an error with a formatted message. A %w verb keeps the wrapped error as cause.
func Newf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Unsupported returns the 0A000 error for a construct that Lamina does not implement.
func Unsupported(construct string) *Error {
	return &Error{Code: FeatureNotSupported, Message: construct + " is not supported"}
}

// Wrap gives err the given SQLSTATE unless its chain has one already. It returns nil for nil.
func Wrap(code Code, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return err
	}
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// Error returns the message alone, as PostgreSQL prints it after "ERROR:".
func (e *Error) Error() string { return e.Message }

// SQLState returns the five-character code. The method's name is that of pgx's errors.
func (e *Error) SQLState() string { return string(e.Code) }

// Unwrap returns the wrapped cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the sentinel that e was derived from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	if !ok {
		return false
	}
	return t == e || t == e.base
}

// WithCause returns a copy of e that wraps err, for errors.Is and errors.As.
func (e *Error) WithCause(err error) *Error {
	c := e.copy()
	c.cause = err
	return c
}

func (e *Error) copy() *Error {
	c := *e
	if c.base == nil {
		c.base = e
	}
	return &c
}

// WithDetail returns a copy of e with the given detail text.
func (e *Error) WithDetail(format string, args ...any) *Error {
	c := e.copy()
	c.Detail = fmt.Sprintf(format, args...)
	return c
}

// WithHint returns a copy of e with the given hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := e.copy()
	c.Hint = fmt.Sprintf(format, args...)
	return c
}

// WithMessage returns a copy of e with another message; errors.Is still finds e.
func (e *Error) WithMessage(format string, args ...any) *Error {
	c := e.copy()
	c.Message = fmt.Sprintf(format, args...)
	return c
}

// At returns a copy of e with the 1-based character position in the statement, unless e has one.
func (e *Error) At(position int) *Error {
	if e.Position != 0 || position <= 0 {
		return e
	}
	c := e.copy()
	c.Position = position
	return c
}

// On returns a copy of e that names the table (and optionally a column) it is about.
func (e *Error) On(schema, table, column string) *Error {
	c := e.copy()
	c.Schema, c.Table, c.Column = schema, table, column
	return c
}

// WithConstraint returns a copy of e that names the violated constraint.
func (e *Error) WithConstraint(name string) *Error {
	c := e.copy()
	c.Constraint = name
	return c
}

// CodeOf returns the SQLSTATE of err's chain: 57014 for a cancelled context, XX000 for an error
// that has none, and "00000" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return SuccessfulCompletion
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return QueryCanceled
	}
	return InternalError
}

// From returns err's *Error, made from the chain: the outer text is kept as message, and an error
// without a SQLSTATE becomes XX000 (57014 for a cancelled context). It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		code := CodeOf(err)
		msg := err.Error()
		if code == QueryCanceled {
			msg = "canceling statement due to user request"
		}
		return &Error{Code: code, Message: msg, cause: err}
	}
	return e
}

// Canceled returns the error of a context that has ended: its cause, if that carries a SQLSTATE, or else 57014
// around the cause.
func Canceled(ctx context.Context) error {
	cause := context.Cause(ctx)
	if e, ok := errors.AsType[*Error](cause); ok {
		return e
	}
	return &Error{Code: QueryCanceled, Message: "canceling statement due to user request", cause: cause}
}
