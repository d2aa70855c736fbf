package sqlparse

import (
	"reflect"

	"github.com/laminadb/lamina/query/ast"
)

// moved adds by to every position of a tree that has just been made and is not shared yet.
func moved(e ast.Expr, by int) ast.Expr {
	movePositions(reflect.ValueOf(e), by)
	return e
}

func movePositions(v reflect.Value, by int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			movePositions(v.Elem(), by)
		}
	case reflect.Slice:
		for i := range v.Len() {
			movePositions(v.Index(i), by)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			movePositions(v.Field(i), by)
		}
	case reflect.Int:
		if v.Type() == reflect.TypeFor[ast.At]() && v.Int() > 0 {
			v.SetInt(max(1, v.Int()+int64(by)))
		}
	}
}
