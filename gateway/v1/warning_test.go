package v1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWarnings(t *testing.T) {
	long := strings.Repeat("é", 100)
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprint("key", i)
	}
	for _, c := range []struct {
		name    string
		unknown []string
		want    []string
	}{
		{"none", nil, nil},
		{"a letter missing", []string{"schedul"}, []string{`unknown key "schedul", did you mean "schedule"?`}},
		{"two letters wrong", []string{"nmae"}, []string{`unknown key "nmae", did you mean "name"?`}},
		{"three letters wrong", []string{"nombre"}, []string{`unknown key "nombre"`}},
		{"another case", []string{"Name"}, []string{`unknown key "Name", did you mean "name"?`}},
		{"of the flow", []string{"flow_parameters.input_dri"}, []string{`unknown key "flow_parameters.input_dri", did you mean "flow_parameters.input_dir"?`}},
		{"of the other object", []string{"input_dir"}, []string{`unknown key "input_dir", did you mean "flow_parameters.input_dir"?`}},
		{"a header in it", []string{"x\r\nSet-Cookie: y"}, []string{`unknown key "x\r\nSet-Cookie: y"`}},
		{"not ASCII", []string{"näme"}, []string{`unknown key "n\u00e4me", did you mean "name"?`}},
		{"long", []string{long}, []string{`unknown key "` + strings.Repeat(`\u00e9`, 64) + `..."`}},
		{"many", many, append(warnings(many[:8]), "12 more unknown keys")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, warnings(c.unknown)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
