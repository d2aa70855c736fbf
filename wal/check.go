package wal

import (
	"io"
)

// Check reads an open log from the beginning of the file of a position on, up to what is durable now,
// and checks all of it: file headers, checksums, and that each record continues the one before. It
// calls fn for the records from the position on, chunks and marks left out, so what it finds is what
// a recovery from there would. The zero position is the oldest that is there. Records are appended
// and files come and go meanwhile.
func (l *Log) Check(from Position, fn func(*Record) error) error {
	if from == 0 {
		from = NewPosition(l.oldestEpoch(), 0)
	}
	r, err := l.NewReader(from)
	if err != nil {
		return err
	}
	defer r.Close()
	until := l.Durable()
	r.pos = NewPosition(from.Epoch(), fileHeaderBytes)
	var chain uint32
	var last Position
	for r.pos < until {
		in := r.name
		h, payload, err := r.step()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.name != in {
			if chain, err = r.checkHeader(chain, last); err != nil {
				return err
			}
		}
		if h.prev != chain {
			return &DamageError{r.name, int64(h.pos.Offset()), "the record does not continue the chain"}
		}
		chain, last = h.sum, r.pos
		if h.pos < from || h.kind == Chunk || h.kind == Mark {
			continue
		}
		if err := r.handCheck(&h, payload, fn); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) handCheck(h *recordHeader, payload []byte, fn func(*Record) error) error {
	rec := Record{
		Kind: h.kind, Pos: h.pos, End: r.pos, Durable: h.durable, LSN: h.lsn, Time: h.time, Payload: payload,
		reader: &r.chunks,
	}
	if err := rec.resolve(r.name, h.flags); err != nil {
		return err
	}
	return fn(&rec)
}

// checkHeader checks the header of the reader's file and returns the sum that its first record
// continues. chain is the sum of the record that ended at last, 0 if there is none.
func (r *Reader) checkHeader(chain uint32, last Position) (uint32, error) {
	var b [fileHeaderBytes]byte
	if err := readFull(r.file, b[:], 0); err != nil {
		return 0, ioError("read", r.name, err)
	}
	h, ok := parseFileHeader(b[:])
	switch {
	case !ok || fileName(h.epoch) != r.name || h.id != r.log.id:
		return 0, &DamageError{r.name, 0, "the file's header is not intact"}
	case last != 0 && h.prev == last && h.chain != chain:
		return 0, &DamageError{r.name, 0, "the file does not continue the one before it"}
	}
	return h.sum, nil
}
