package expr

import "github.com/laminadb/lamina/types"

// regCasts are the casts of the kinds that are OIDs shown as names: to and from oid they change the kind only.
func regCasts() (rows []castRow) {
	for k := types.Regclass; k <= types.Regrole; k++ {
		name := k.Typname()
		rows = append(rows,
			castRow{"oid," + name, Implicit, 0, safe, relabel(k), kernelRelabel},
			castRow{name + ",oid", Implicit, 0, safe, relabel(types.OID), kernelRelabel},
			castRow{"int8," + name, Implicit, 1287, 0, intToReg(k, intToInt(types.OID)), kernelNone},
			castRow{"int4," + name, Implicit, 0, safe, intToReg(k, intToOID), kernelNone},
			castRow{"int2," + name, Implicit, 313, safe, intToReg(k, intToOID), kernelNone},
			castRow{name + ",int8", Assignment, 1288, safe, relabel(types.Int8), kernelRelabel},
			castRow{name + ",int4", Assignment, 0, safe, oidToInt, kernelNone},
		)
	}
	for _, from := range []types.Kind{types.Text, types.Varchar} {
		rows = append(rows, castRow{from.Typname() + ",regclass", Implicit, 1079, stable, readFunc(from, types.Regclass).Scalar, kernelNone})
	}
	return rows
}

// regLiteral reads a literal as a value of a kind such as regclass when it is evaluated: the catalog then decides.
func regLiteral(c *Const, to types.Type) Expr {
	f := *textCasts.from[to.Kind][stringKindIndex(types.Unknown)]
	read, pos := f.Scalar, c.At
	f.Scalar = func(ctx *Context, args []types.Datum) (types.Datum, error) {
		d, err := read(ctx, args)
		if err != nil {
			err = At(err, pos)
		}
		return d, err
	}
	return &Call{Node: Node{Typ: to, At: pos}, Func: &f, Args: []Expr{c}}
}

func intToReg(k types.Kind, toOID scalar) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		d, err := toOID(ctx, args)
		d.K = k
		return d, err
	}
}
