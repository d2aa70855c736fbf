package ast

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Dump returns the tree as indented text, without zero fields: for debugging and golden tests.
func Dump(node any) string {
	var d dumper
	d.value(reflect.ValueOf(node), 0)
	return d.sb.String()
}

type dumper struct{ sb strings.Builder }

func (d *dumper) value(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			d.sb.WriteString("nil")
			return
		}
		d.value(v.Elem(), depth)
	case reflect.Struct:
		d.structure(v, depth)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			fmt.Fprintf(&d.sb, "%q", v)
			return
		}
		d.sb.WriteString("[")
		for i := range v.Len() {
			d.newline(depth + 1)
			d.value(v.Index(i), depth+1)
		}
		d.sb.WriteString("]")
	case reflect.String:
		d.sb.WriteString(strconv.Quote(v.String()))
	default:
		fmt.Fprint(&d.sb, v)
	}
}

func (d *dumper) newline(depth int) {
	d.sb.WriteByte('\n')
	for range depth {
		d.sb.WriteString("  ")
	}
}

func (d *dumper) structure(v reflect.Value, depth int) {
	d.sb.WriteString(v.Type().Name())
	if at := v.FieldByName("At"); at.IsValid() && at.Type() == reflect.TypeFor[At]() && at.Int() != 0 {
		fmt.Fprintf(&d.sb, "@%d", at.Int())
	}
	for _, inline := range []bool{true, false} {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[At]() || v.Field(i).IsZero() || small(v.Field(i)) != inline {
				continue
			}
			if inline {
				fmt.Fprintf(&d.sb, " %s=", f.Name)
				d.value(v.Field(i), depth)
				continue
			}
			d.newline(depth + 1)
			fmt.Fprintf(&d.sb, "%s: ", f.Name)
			d.value(v.Field(i), depth+1)
		}
	}
}

// small reports whether a field is printed on its structure's line.
func small(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Interface:
		return false
	case reflect.Slice:
		return v.Type().Elem().Kind() == reflect.String
	case reflect.Pointer:
		return v.Type().Elem().Kind() != reflect.Struct
	}
	return true
}
