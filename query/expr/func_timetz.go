package expr

import "github.com/laminadb/lamina/types"

// currentTime is CURRENT_TIME.
func currentTime(ctx *Context, _ []types.Datum) (types.Datum, error) {
	now := types.NewInt(types.TimestampTZ, transactionTime(ctx).UnixMicro())
	return types.TimestampToTimeTZ(now, ctx.location()), nil
}

func timeToTimeTZ(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimeToTimeTZ(args[0], transactionTime(ctx), ctx.location()), nil
}

func timeTZToTime(_ *Context, args []types.Datum) (types.Datum, error) {
	micros, _ := args[0].TimeTZParts()
	return types.NewInt(types.Time, micros), nil
}

func timestampToTimeTZ(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampToTimeTZ(args[0], ctx.location()), nil
}

// timeTZHere is AT LOCAL: the time that the session's clock shows.
func timeTZHere(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimeTZInZone(args[0], types.ZoneIn(ctx.location()), transactionTime(ctx))
}
