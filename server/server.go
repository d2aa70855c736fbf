// Package server speaks PostgreSQL's wire protocol, version 3, on loopback: simple and extended queries, COPY FROM
// STDIN, cancel requests. Each connection is a query.Session; this package only translates messages.
//
// There is no authentication and no TLS yet, so Serve refuses addresses that other machines can reach.
package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
)

// Options configure a Server; the zero value works.
type Options struct {
	// ConnectionsMax bounds the connections; 0 is 100. Beyond it: 53300.
	ConnectionsMax int
	// Logger receives messages about connections; nil drops them.
	Logger *slog.Logger
	// Files opens files for COPY FROM 'file'; nil: clients may not read the server's files.
	Files query.Files
}

// startupTimeout bounds the time from the connection to the end of its start-up messages.
const startupTimeout = 60 * time.Second

// Server serves one engine.
type Server struct {
	engine *query.Engine
	o      Options
	mu     struct {
		sync.Mutex
		conns  map[*conn]struct{}
		closed bool
		ln     []net.Listener
	}
	done sync.WaitGroup
}

// New returns a server on an engine, which stays the caller's to close after the server.
func New(e *query.Engine, o Options) *Server {
	if o.ConnectionsMax == 0 {
		o.ConnectionsMax = 100
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{engine: e, o: o}
	s.mu.conns = map[*conn]struct{}{}
	return s
}

// Listen opens a listener on a loopback address.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "listening on %q is not supported: there is no authentication yet, so only loopback addresses are served", address)
	}
	return net.Listen("tcp", address)
}

// Serve accepts connections until Close; it then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if s.mu.closed {
		s.mu.Unlock()
		return errors.Join(errClosed, ln.Close())
	}
	s.mu.ln = append(s.mu.ln, ln)
	s.mu.Unlock()
	for {
		nc, err := ln.Accept()
		if err != nil {
			s.mu.Lock()
			closed := s.mu.closed
			s.mu.Unlock()
			if closed {
				return nil
			}
			return sqlerr.Newf(sqlerr.IOError, "accept: %w", err)
		}
		s.accept(nc)
	}
}

var errShutdown = sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")

// refusalsMax bounds, with as many as ConnectionsMax, the connections beyond it that wait to be told that
// there are too many, or bring a cancel request.
const refusalsMax = 16

var errClosed = sqlerr.New(sqlerr.AdminShutdown, "the server is closed")

func (s *Server) accept(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	if s.mu.closed {
		s.mu.Unlock()
		_ = nc.Close() // nobody is there to be told
		return
	}
	full := len(s.mu.conns) >= s.o.ConnectionsMax
	if len(s.mu.conns) >= 2*s.o.ConnectionsMax+refusalsMax {
		s.mu.Unlock()
		_ = nc.Close() // too many even to be told so
		return
	}
	s.mu.conns[c] = struct{}{}
	s.done.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.done.Done()
		c.serve(full)
		s.mu.Lock()
		delete(s.mu.conns, c)
		s.mu.Unlock()
	}()
}

// Close stops listening, ends all connections, whose clients are told 57P01, and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.mu.closed {
		s.mu.Unlock()
		return errClosed
	}
	s.mu.closed = true
	var errs []error
	for _, ln := range s.mu.ln {
		errs = append(errs, ln.Close())
	}
	for c := range s.mu.conns {
		c.end(errShutdown)
	}
	s.mu.Unlock()
	s.done.Wait()
	return errors.Join(errs...)
}

// cancel ends what the connection with this key runs.
func (s *Server) cancel(pid uint32, secret []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.mu.conns {
		if c.pid.Load() == pid && subtle.ConstantTimeCompare(c.secret[:], secret) == 1 {
			s.engine.CancelSession(pid)
			return
		}
	}
}

func newSecret() (b [4]byte) {
	if _, err := rand.Read(b[:]); err != nil {
		binary.BigEndian.PutUint32(b[:], uint32(time.Now().UnixNano()))
	}
	return b
}

// background is the context of all connections: each is ended by closing it.
func background() context.Context { return context.Background() }
