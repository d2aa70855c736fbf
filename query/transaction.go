package query

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// txState is a session's transaction. The storage's transaction is begun by the first statement that
// needs it, so that SET TRANSACTION can still change its options.
type txState struct {
	tx          table.Tx
	number      uint64 // among the session's
	o           table.TxOptions
	open        bool // begun, implicitly or by BEGIN
	deferrable  bool
	explicit    bool // by BEGIN: ends with COMMIT or ROLLBACK only
	failed      bool // 25P02 until it ends or is rolled back to a savepoint
	start       time.Time
	saves       []namedSavepoint
	queries     int  // statements that took a snapshot
	locked      bool // LOCK TABLE was run
	newDefaults bool // persisted defaults of settings were changed
	lent        bool // others than the session have seen tx
	changed     bool // a statement was to change rows
	tuned       txTuning
}

// txTuning are the settings that a transaction may change for itself while it is open.
type txTuning struct {
	async    bool
	lockWait time.Duration
}

func (s *Session) txTuning() txTuning {
	h := s.settings.hot()
	return txTuning{h.async, h.lockTimeout}
}

// tune gives the storage's transaction the settings that have changed since it began. What the caller of Begin asked for stays
// until then.
func (s *Session) tune() {
	now := s.txTuning()
	if now.async != s.tx.tuned.async {
		s.tx.o.Async = now.async
	}
	if now.lockWait != s.tx.tuned.lockWait {
		s.tx.o.LockWait = now.lockWait
	}
	if now != s.tx.tuned {
		s.tx.tuned = now
		s.tx.tx.Tune(s.tx.o.Async, s.tx.o.LockWait)
	}
}

type namedSavepoint struct {
	name string
	sp   table.Savepoint
	// session and local are the settings of the time.
	session, local map[string]string
}

// savepointsMax bounds the nesting of savepoints in a transaction.
const savepointsMax = 10_000

var errFailedTx = sqlerr.New(sqlerr.InFailedSQLTransaction,
	"current transaction is aborted, commands ignored until end of transaction block")

// Status returns the transaction status of the wire protocol: 'I' idle, 'T' in a transaction block,
// 'E' in a failed one.
func (s *Session) Status() byte {
	switch {
	case !s.tx.explicit:
		return 'I'
	case s.tx.failed:
		return 'E'
	}
	return 'T'
}

// Ended returns how many transactions the session has ended: what lives as long as one notes the number.
func (s *Session) Ended() uint64 { return s.ended }

// beginTx opens the session's transaction if none is open.
func (s *Session) beginTx() {
	if s.tx.open {
		return
	}
	s.settings.begin()
	s.txs++
	s.tx = txState{open: true, number: s.txs, start: s.time()}
	s.tx.o = table.TxOptions{
		Isolation: s.settings.hot().isolation,
		ReadOnly:  s.settings.hot().readOnly || s.e.o.ReadOnly,
	}
	s.tx.deferrable = s.settings.hot().deferrable
}

// storageTx returns the storage's transaction, beginning it if needed.
func (s *Session) storageTx(ctx context.Context) (table.Tx, error) {
	s.beginTx()
	if s.tx.tx != nil {
		s.tune()
		return s.tx.tx, nil
	}
	if s.tx.failed {
		return nil, errFailedTx
	}
	s.tx.tuned = s.txTuning()
	s.tx.o.Async, s.tx.o.LockWait = s.tx.tuned.async, s.tx.tuned.lockWait
	tx, err := s.beginStorage(ctx)
	if err != nil {
		return nil, err
	}
	s.tx.tx = tx
	s.storageTxID.Store(tx.ID())
	return tx, nil
}

// beginStorage begins a transaction of the storage, in the memory of the session's last one if the storage can.
func (s *Session) beginStorage(ctx context.Context) (table.Tx, error) {
	if s.e.reuser == nil {
		return s.e.storage.Begin(ctx, s.tx.o)
	}
	spare := s.spareTx
	s.spareTx = nil
	return s.e.reuser.BeginIn(ctx, s.tx.o, spare)
}

// begin is BEGIN or START TRANSACTION.
func (s *Session) begin(modes txModes) error {
	if s.tx.explicit {
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.ActiveSQLTransaction, "there is already a transaction in progress")})
		return s.setTransaction(modes)
	}
	s.beginTx()
	s.tx.explicit = true
	return s.setTransaction(modes)
}

// txModes are the modes of BEGIN and SET TRANSACTION; nil pointers leave a mode as it is.
type txModes struct {
	isolation  *table.Isolation
	readOnly   *bool
	deferrable *bool
}

// setTransaction is SET TRANSACTION.
func (s *Session) setTransaction(m txModes) error {
	if m.isolation != nil && *m.isolation != s.tx.o.Isolation {
		if s.tx.queries > 0 {
			return sqlerr.New(sqlerr.ActiveSQLTransaction, "SET TRANSACTION ISOLATION LEVEL must be called before any query")
		}
		if err := s.restartStorageTx(); err != nil {
			return err
		}
		s.tx.o.Isolation = *m.isolation
	}
	if m.readOnly != nil && *m.readOnly != s.tx.o.ReadOnly {
		if !*m.readOnly && s.tx.queries > 0 {
			return sqlerr.New(sqlerr.ActiveSQLTransaction, "transaction read-write mode must be set before any query")
		}
		if !*m.readOnly && s.e.o.ReadOnly {
			return sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot set transaction read-write mode: the database is open for reading only")
		}
		if s.tx.queries == 0 {
			if err := s.restartStorageTx(); err != nil {
				return err
			}
		}
		s.tx.o.ReadOnly = *m.readOnly
	}
	if m.deferrable != nil {
		return s.setDeferrable(*m.deferrable)
	}
	return nil
}

// setDeferrable says that a SERIALIZABLE READ ONLY transaction may wait for a snapshot that no commit can spoil. Every
// snapshot is such a one: transactions are serializable in the order of their commits, and a snapshot shows a prefix of
// these, so that whoever only reads it has a place in that order. Hence nothing waits.
func (s *Session) setDeferrable(on bool) error {
	switch {
	case len(s.tx.saves) > 0:
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction")
	case s.tx.queries > 0:
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "SET TRANSACTION [NOT] DEFERRABLE must be called before any query")
	}
	s.tx.deferrable = on
	return nil
}

// restartStorageTx drops a storage transaction that no query has used yet.
func (s *Session) restartStorageTx() error {
	if s.tx.tx == nil {
		return nil
	}
	if len(s.tx.saves) > 0 {
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "SET TRANSACTION must not be called in a subtransaction")
	}
	err := s.tx.tx.Rollback()
	s.tx.tx = nil
	return err
}

// Finish ends the implicit transaction, if one is open: with err nil it commits, otherwise it rolls
// back. Inside BEGIN … COMMIT it does nothing.
func (s *Session) Finish(ctx context.Context, err error) error {
	if !s.tx.open || s.tx.explicit {
		return nil
	}
	if err != nil || s.tx.failed {
		return s.endTx(false)
	}
	err = s.commit(ctx)
	s.countError(err)
	return err
}

// commit ends the transaction: a failed one is rolled back.
func (s *Session) commit(ctx context.Context) error {
	s.closeResults(nil)
	if s.tx.failed {
		return s.endTx(false)
	}
	if s.tx.tx == nil {
		s.settings.end(true)
		s.clearTx()
		return nil
	}
	s.tune()
	receipt, err := s.commitStorage(ctx)
	if err != nil {
		s.settings.end(false)
		_ = s.tx.tx.Rollback() // idempotent; the commit's error is the one that counts
		s.clearTx()
		return err
	}
	if s.lastReceipt = receipt; s.tx.newDefaults {
		s.e.defaults.Add(1)
	}
	s.settings.end(true)
	s.clearTx()
	return nil
}

// commitStorage commits the storage's transaction. If there may be something to write queries let it through: it waits for
// the disk, and for others, often enough.
func (s *Session) commitStorage(ctx context.Context) (table.Receipt, error) {
	if (s.tx.changed || s.tx.lent && !s.tx.o.ReadOnly) && !invariants.Mutant("query-commit-at-leisure") {
		s.e.pool.Hurry()
		defer s.e.pool.Relax()
	}
	return s.tx.tx.Commit(ctx)
}

// endTx rolls the transaction back.
func (s *Session) endTx(committed bool) error {
	s.closeResults(errFailedTx)
	var err error
	if s.tx.tx != nil {
		err = s.tx.tx.Rollback()
	}
	s.settings.end(committed)
	s.clearTx()
	return err
}

func (s *Session) clearTx() {
	if s.tx.open {
		s.ended++
	}
	if !s.tx.lent {
		s.spareTx = s.tx.tx
	}
	s.tx = txState{}
	s.storageTxID.Store(0)
}

// commitBlock is COMMIT (and END); the tag says ROLLBACK if the transaction had failed.
func (s *Session) commitBlock(ctx context.Context, chain bool) (tag string, err error) {
	if !s.tx.explicit {
		if chain {
			return "", sqlerr.New(sqlerr.NoActiveSQLTransaction, "COMMIT AND CHAIN can only be used in transaction blocks")
		}
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress")})
		return "COMMIT", s.Finish(ctx, nil)
	}
	tag = "COMMIT"
	if s.tx.failed {
		tag = "ROLLBACK"
	}
	was := s.tx
	if err := s.commit(ctx); err != nil {
		return "", err
	}
	s.chain(chain, &was)
	return tag, nil
}

// rollbackBlock is ROLLBACK (and ABORT).
func (s *Session) rollbackBlock(chain bool) error {
	if !s.tx.explicit {
		if chain {
			return sqlerr.New(sqlerr.NoActiveSQLTransaction, "ROLLBACK AND CHAIN can only be used in transaction blocks")
		}
		s.notice(Notice{Severity: "WARNING", Err: sqlerr.New(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress")})
		if s.tx.open {
			return s.endTx(false)
		}
		return nil
	}
	was := s.tx
	if err := s.endTx(false); err != nil {
		return err
	}
	s.chain(chain, &was)
	return nil
}

func (s *Session) chain(chain bool, was *txState) {
	if chain {
		s.beginTx()
		s.tx.explicit, s.tx.o, s.tx.deferrable = true, was.o, was.deferrable
	}
}

// needBlock is the error of a command that makes sense only between BEGIN and COMMIT.
func (s *Session) needBlock(what string) error {
	if !s.tx.explicit {
		return sqlerr.Newf(sqlerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", what)
	}
	return nil
}

func (s *Session) savepoint(ctx context.Context, name string) error {
	if err := s.needBlock("SAVEPOINT"); err != nil {
		return err
	}
	if len(s.tx.saves) >= savepointsMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d savepoints in a transaction", savepointsMax)
	}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return err
	}
	sp, err := tx.Savepoint(ctx)
	if err != nil {
		return err
	}
	s.tx.saves = append(s.tx.saves, namedSavepoint{name, sp, maps.Clone(s.settings.session), maps.Clone(s.settings.local)})
	return nil
}

func (s *Session) findSavepoint(name string) (int, error) {
	for i := len(s.tx.saves) - 1; i >= 0; i-- {
		if s.tx.saves[i].name == name {
			return i, nil
		}
	}
	return 0, sqlerr.Newf(sqlerr.InvalidSavepointSpecification, "savepoint %q does not exist", name)
}

// rollbackTo undoes what was done since the savepoint, which stays; a failed transaction goes on.
func (s *Session) rollbackTo(ctx context.Context, name string) error {
	if err := s.needBlock("ROLLBACK TO SAVEPOINT"); err != nil {
		return err
	}
	i, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	s.closeResults(errFailedTx)
	if err := s.tx.saves[i].sp.RollbackTo(ctx); err != nil {
		return err
	}
	if !invariants.Mutant("query-savepoint-keeps-settings") {
		s.settings.restore(s.tx.saves[i].session, s.tx.saves[i].local)
	}
	s.tx.saves = s.tx.saves[:i+1]
	s.tx.failed = false
	return nil
}

func (s *Session) releaseSavepoint(ctx context.Context, name string) error {
	if err := s.needBlock("RELEASE SAVEPOINT"); err != nil {
		return err
	}
	i, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	if err := s.tx.saves[i].sp.Release(ctx); err != nil {
		return err
	}
	s.tx.saves = s.tx.saves[:i]
	return nil
}

// parseIsolation reads a level as SQL spells it.
func parseIsolation(text string) (table.Isolation, error) {
	switch strings.ToLower(text) {
	case "read uncommitted", "read committed":
		return table.ReadCommitted, nil
	case "repeatable read":
		return table.RepeatableRead, nil
	case "serializable":
		return table.Serializable, nil
	}
	return 0, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", "transaction_isolation", text)
}
