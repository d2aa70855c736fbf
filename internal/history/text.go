package history

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// name returns the name of a transaction in reports and in text.
func name(tx int) string { return "T" + strconv.Itoa(tx+1) }

// lineBytesMax bounds the text of a transaction.
const lineBytesMax = 16 << 20

// WriteTo writes the history as text.
func (h *History) WriteTo(w io.Writer) (n int64, err error) {
	for i := range h.Txs {
		m, err := fmt.Fprintln(w, h.line(i))
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (h *History) line(i int) string {
	t := &h.Txs[i]
	end := ""
	if t.End != 0 {
		end = strconv.FormatInt(t.End, 10)
	}
	ops := make([]string, len(t.Ops))
	for j := range t.Ops {
		ops[j] = t.Ops[j].String()
	}
	return strings.TrimRight(fmt.Sprintf("%s p%d %d-%s %v %s", name(i), t.Process, t.Begin, end, t.Outcome, strings.Join(ops, "; ")), " ")
}

// String returns the operation as text.
func (o Op) String() string {
	if o.Append {
		return fmt.Sprintf("append %s %d", o.List, o.Value)
	}
	return fmt.Sprintf("read %s %v", o.List, o.Values)
}

// Parse reads a history from text. Empty lines and those that begin with # are left out.
func Parse(r io.Reader) (*History, error) {
	h := &History{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, lineBytesMax)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parseTx(line, name(len(h.Txs)))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		h.Txs = append(h.Txs, t)
	}
	return h, lines.Err()
}

func parseTx(line, want string) (t Tx, err error) {
	head := strings.SplitN(line, " ", 5)
	if len(head) < 4 || head[0] != want {
		return t, fmt.Errorf("%q does not begin with %s, a process, a time and an outcome", line, want)
	}
	begin, end, _ := strings.Cut(head[2], "-")
	if t.Process, err = strconv.Atoi(strings.TrimPrefix(head[1], "p")); err != nil {
		return t, err
	}
	if t.Begin, err = strconv.ParseInt(begin, 10, 64); err != nil {
		return t, err
	}
	if end != "" {
		if t.End, err = strconv.ParseInt(end, 10, 64); err != nil {
			return t, err
		}
	}
	o := slices.Index(outcomeNames, head[3])
	if o < 0 {
		return t, fmt.Errorf("no outcome is called %q", head[3])
	}
	t.Outcome = Outcome(o)
	if len(head) < 5 {
		return t, nil
	}
	for _, s := range strings.Split(head[4], ";") {
		op, err := parseOp(strings.TrimSpace(s))
		if err != nil {
			return t, err
		}
		t.Ops = append(t.Ops, op)
	}
	return t, nil
}

func parseOp(s string) (Op, error) {
	verb, rest, _ := strings.Cut(s, " ")
	list, values, _ := strings.Cut(rest, " ")
	switch {
	case verb == "append" && list != "":
		v, err := strconv.ParseInt(values, 10, 64)
		return Append(list, v), err
	case verb == "read" && list != "" && strings.HasPrefix(values, "[") && strings.HasSuffix(values, "]"):
		op := Read(list)
		for _, f := range strings.Fields(values[1 : len(values)-1]) {
			v, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return op, err
			}
			op.Values = append(op.Values, v)
		}
		return op, nil
	}
	return Op{}, fmt.Errorf("%q is no operation", s)
}
