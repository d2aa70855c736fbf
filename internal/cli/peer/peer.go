package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// Operations of requests.
const (
	Open   = "open"   // opens File; the answer has Text, the settings that were read back
	Exec   = "exec"   // executes SQL, and tells the time
	Query  = "query"  // executes SQL and fetches all rows, which are in the answer if Rows is set
	Peak   = "peak"   // tells the most memory that the process has had since the last Peak, and begins anew
	Finish = "finish" // closes the database
)

// Request is what a peer is to do.
type Request struct {
	Op      string `json:"op"`
	File    string `json:"file,omitempty"`
	Threads int    `json:"threads,omitempty"`
	// MemoryMiB is the limit of the database's memory.
	MemoryMiB int64  `json:"memory_mib,omitempty"`
	SQL       string `json:"sql,omitempty"`
	Rows      bool   `json:"rows,omitempty"`
}

// Answer is what came of a request.
type Answer struct {
	Error   string      `json:"error,omitempty"`
	Text    string      `json:"text,omitempty"`
	Millis  float64     `json:"ms,omitempty"`
	Count   int         `json:"count,omitempty"`
	Columns []string    `json:"columns,omitempty"`
	Rows    [][]*string `json:"rows,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
}

// Process is a running peer.
type Process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// Start starts the program of a peer, which has a name for messages.
func Start(name string, cmd *exec.Cmd) (*Process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Process{name: name, cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}, nil
}

// Do has the peer do something and waits for the answer. When ctx ends the process is killed.
func (p *Process) Do(ctx context.Context, r Request) (a Answer, err error) {
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return a, p.failed(ctx, err)
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		return a, p.failed(ctx, err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%s: %w in %.200q", p.name, err, line)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %s", p.name, a.Error)
	}
	return a, nil
}

func (p *Process) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", p.name, context.Cause(ctx))
	}
	return fmt.Errorf("%s: the process does not answer: %w", p.name, err)
}

// Close ends the process.
func (p *Process) Close() error {
	err := p.in.Close()
	if werr := p.cmd.Wait(); werr != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", p.name, werr))
	}
	return err
}

// Handler does what a request says, in the peer's process.
type Handler func(ctx context.Context, r Request) (Answer, error)

// Serve answers the requests of in until it ends: the main loop of a peer that is written in Go.
func Serve(ctx context.Context, in io.Reader, out io.Writer, handle Handler) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r Request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := handle(ctx, r)
		if err != nil {
			a = Answer{Error: err.Error()}
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}
