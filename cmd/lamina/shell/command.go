package shell

import (
	"context"
	"fmt"
	"strings"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

const help = `Statements end with a semicolon. COPY … FROM STDIN takes the following lines, up to one of \. alone.
  \dt        list the tables
  \r         drop the lines of an unfinished statement, as Control-C does
  \timing    print the time of each statement, or stop doing so
  \?         this text
  \q         end
`

func backslash(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), `\`) }

// command runs a command that begins with a backslash.
func (sh *Shell) command(ctx context.Context, line string) (quit bool, err error) {
	switch word := strings.TrimSpace(line); word {
	case `\q`:
		return true, nil
	case `\?`:
		fmt.Fprint(sh.o.Out, help)
	case `\timing`:
		sh.timing = !sh.timing
		fmt.Fprintf(sh.o.Out, "Timing is %s.\n", map[bool]string{true: "on", false: "off"}[sh.timing])
	case `\dt`:
		err = sh.tables(ctx)
	default:
		err = sqlerr.Newf(sqlerr.SyntaxError, "invalid command %s", word).WithHint(`Try \? for help.`)
	}
	if err != nil {
		PrintError(sh.o.Err, err, "")
		return false, ErrStatement
	}
	return false, nil
}

// tables lists the tables that the session sees.
func (sh *Shell) tables(ctx context.Context) error {
	err := sh.s.InStorageTx(ctx, query.NoOperation, func(_ context.Context, tx table.Tx) error {
		schema := tx.Schema()
		p := newAligned(sh.out, []column{{name: "Schema"}, {name: "Name"}, {name: "Tier"}, {"Columns", types.T(types.Int4)}})
		for _, o := range schema.List(table.KindTable) {
			def, ok := o.(*table.TableDef)
			if !ok {
				continue
			}
			space := ""
			if s := schema.ByID(def.Schema); s != nil {
				space = s.Head().Name
			}
			cells := []cell{{text: space}, {text: def.Name}, {text: def.Method}, {text: fmt.Sprint(len(def.Columns))}}
			if err := p.row(cells); err != nil {
				return err
			}
		}
		return p.end()
	})
	if ferr := sh.s.Finish(ctx, err); err == nil {
		err = ferr
	}
	if err == nil {
		err = sh.out.Flush()
	}
	return err
}
