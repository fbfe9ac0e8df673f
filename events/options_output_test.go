package events

import (
	"strings"
	"testing"
)

func TestPlacementPatterns(t *testing.T) {
	for _, c := range []struct{ spool, fault string }{
		{`{"output": "{yyyy}/{mm}/{stem}{ext}"}`, ""},
		{`{"output": "{dir}/{input}/{name}", "output_conflict": "replace"}`, ""},
		{`{"output": "db-{yyyy}{mm}{dd}-{hh}{mi}{ext}", "output_conflict": "fail"}`, ""},
		{`{"output": "{year}/{name}"}`, "unknown placeholder {year}: these are known: {yyyy}, {mm}"},
		{`{"output": "{yyyy/{name}"}`, "unknown placeholder {yyyy/{name}"},
		{`{"output": "yyyy}/{name}"}`, "does not belong to a placeholder"},
		{`{"output": "{name"}`, "does not belong to a placeholder"},
		{`{"output": "/archive/{name}"}`, "below output_dir; leave the slash out"},
		{`{"output": "../{name}"}`, "cannot lead out of output_dir"},
		{`{"output": "a/./{name}"}`, "cannot lead out of output_dir"},
		{`{"output": "a//{name}"}`, "two slashes side by side"},
		{`{"output": "{yyyy}/"}`, "write the name of the file after it, as {name}"},
		{`{"output": ".spool/{name}"}`, "keeps on the drive for itself"},
		{`{"output": "a/.Spool-After-{name}"}`, "keeps on the drive for itself"},
		{`{"output": "a\u0000/{name}"}`, "contains a NUL"},
		{`{"output": ""}`, "is empty: give a pattern like"},
		{`{"output": "` + strings.Repeat("x", 1025) + `"}`, "at most 1024 bytes"},
		{`{"output": 7}`, "must be a string"},
		{`{"output": "{name}", "output_conflict": "rename"}`, `"rename" is not one of suffix, replace, fail`},
		{`{"output_conflict": "fail"}`, "give that, too"},
	} {
		p, err := ParseParameters([]byte(`{"name": "a", "flow_parameters": {"auth_token": "t", "binary_path": "a/b/fs/c/flow", "input_dir": "a/b/fs/c/in",
			"settings": {"spooled_mode": true}}, "spool": ` + c.spool + `}`))
		switch {
		case c.fault == "" && err != nil, c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault) || !strings.HasPrefix(err.(*Error).Field, "spool.output")): //nolint:errorlint // of its own type
			t.Errorf("%s: %v, want %q", c.spool, err, c.fault)
		case c.fault == "" && p.Options.Output.Conflict == "":
			t.Errorf("%s: no rule for conflicts", c.spool)
		}
	}
}

func TestPlacementNeeds(t *testing.T) {
	const job = `{"name": "a", "schedule": "* * * * *", "flow_parameters": {"auth_token": "t", "binary_path": "a/b/fs/c/flow", "input_dir": "a/b/fs/c/x/in", "settings": %s},
		"spool": {"output": %s}}`
	for _, c := range []struct{ settings, output, fault string }{
		{`{}`, `"{name}"`, ""},
		{`{"output_has_run_id": true}`, `"{name}"`, ""},
		{`{"output_has_run_id": false}`, `"{name}"`, "settings.output_has_run_id is false"},
		{`{"spooled_mode": true, "output_dir": "a/b/fs/c/x"}`, `"out/{name}"`, ""},
		{`{"spooled_mode": true, "output_dir": "a/b/fs/c/x"}`, `"in/{yyyy}/{name}"`, "leads into the watched folder"},
	} {
		p, err := ParseParameters([]byte(strings.Replace(strings.Replace(job, "%s", c.settings, 1), "%s", c.output, 1)))
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s, %s: %v, want %q", c.settings, c.output, err, c.fault)
		}
		if err == nil && !flag(p.RunSettings(), "output_has_run_id") {
			t.Errorf("%s: the runs have no folder of their own", c.settings)
		}
	}
}

func TestPlacementTarget(t *testing.T) {
	const month = "{yyyy}/{mm}/{stem}{ext}"
	for _, c := range []struct {
		pattern string
		n       Naming
		want    string // or a part of the fault, after an exclamation mark
	}{
		{month, Naming{Path: "out.pdf", Alone: true, Input: "scan0001.pdf"}, "2026/03/scan0001.pdf"},
		{month, Naming{Path: "out.txt", Alone: true, Input: "scan0001.pdf"}, "2026/03/scan0001.txt"},
		{month, Naming{Path: "out.txt", Alone: true}, "2026/03/out.txt"},
		{month, Naming{Path: "page-1.png", Input: "scan0001.pdf"}, "2026/03/page-1.png"},
		{month, Naming{Path: "pages/1.png", Input: "scan0001.pdf"}, "2026/03/pages/1.png"},
		{"{yyyy}-{mm}-{dd}T{hh}{mi}/{input}/{name}", Naming{Path: "1.png", Input: "b/scan0001.pdf"}, "2026-03-29T0105/scan0001/1.png"},
		{"{input}.d/{name}", Naming{Path: "1.png"}, "1.d/1.png"},
		{"{dir}/{name}", Naming{Path: "o", Alone: true, Input: "b/c/scan.pdf"}, "b/c/scan"},
		{"{dir}/{name}", Naming{Path: "o.txt", Alone: true, Input: "scan.pdf"}, "scan.txt"},
		{"{run_id}/{name}", Naming{Path: ".profile", RunID: "r"}, "r/.profile"},
		{"{name}", Naming{Path: "{mm}.pdf"}, "{mm}.pdf"},
		{"{name}", Naming{Path: "a\xff.pdf"}, "a\xff.pdf"},
		{"{ext}", Naming{Path: "README"}, "!without a name"},
		{"{stem}", Naming{Path: "..x", Alone: true, Input: "..pdf"}, "!no place"},
		{"{name}", Naming{Path: ".spool-after-x"}, "!no place"},
		{"{dir}/{name}", Naming{Path: "a", Input: ".spool/x/a"}, "!no place"},
		{"{name}", Naming{Path: ".20260329-010500-5d0c3f2e-6f7a-5b3c-9a55-2f0b7a6f1c11/a"}, "!no place"},
		{"{stem}-{stem}", Naming{Path: strings.Repeat("x", 200)}, "!more than 255 bytes"},
	} {
		p := Placement{Pattern: c.pattern, At: "2026-03-29T01:05:00+01:00"}
		got, fault := p.Target(c.n)
		if want, bad := strings.CutPrefix(c.want, "!"); bad && !strings.Contains(fault, want) || !bad && (got != want || fault != "") {
			t.Errorf("%s of %+v: %q, %q, want %q", c.pattern, c.n, got, fault, c.want)
		}
	}
}

func TestPlacedIn(t *testing.T) {
	const id = "5d0c3f2e-6f7a-5b3c-9a55-2f0b7a6f1c11"
	for folder, want := range map[string]string{
		"a/b/fs/c/out/.20260329-010500-" + id: "a/b/fs/c/out",
		"a/b/fs/c/.20260329-010500-" + id:     "a/b/fs/c",
		"a/b/fs/c/out/20260329-010500-" + id:  "",
		"a/b/fs/c/out":                        "",
		"":                                    "",
	} {
		got, ok := PlacedIn(folder, id)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, %v", folder, got, ok)
		}
	}
}
