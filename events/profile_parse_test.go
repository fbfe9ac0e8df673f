package events

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProfiles(t *testing.T) {
	got, err := ParseProfiles("a:\n  env TOKEN=se;cret")
	if err != nil || got[0].Env[0].Value != "se;cret" {
		t.Errorf("a variable with a semicolon: %v, %v", got, err)
	}
	_, err = ParseProfiles("a: env TOKEN=se;cret")
	if err == nil || strings.Contains(err.Error(), "TOKEN=se") {
		t.Errorf("on the first line a semicolon ends a grant: %v", err)
	}
	got, err = ParseProfiles("# what backups need\nbackup:\n\towners ann bob\n    read /srv/data\n    read /srv/data\n\n    write /srv/backup\nweb: network any; listen; owners Jürgen M,; env A=b=c; home /home/web; unix /run/x\n")
	want := []Profile{
		{Name: "backup", Owners: []string{"ann", "bob"}, Read: []string{"/srv/data"}, Write: []string{"/srv/backup"}},
		{Name: "web", Owners: []string{"Jürgen M"}, Network: "any", Listen: true, Home: "/home/web", Env: []Variable{{"A", "b=c"}}, Unix: []string{"/run/x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	if lines := strings.Join(want[1].Lines(), "; "); lines != "owners Jürgen M; unix /run/x; network any; listen; home /home/web; env A=********" {
		t.Errorf("the lines are %q", lines)
	}
	for text, want := range map[string]string{
		"read /x": "no beginning of a profile", "  read /x": "belongs to no profile", "a:\n  read": "is not an absolute path", "a:\na:": `"a" is declared twice`,
		"a: owners": "owners: name those", "a: listen 80": "listen stands alone", "a: env =x": "is not NAME=VALUE", "a: home x": "is not an absolute path",
		"a: connect": "connect: name what", "a: connect db": "is not HOST:PORT", "a: connect db:0": "is no port", "a: connect db:http": "is no port", "a: connect *:443": "is no name of a host",
		"a: connect ::1:5": "is not HOST:PORT", "a: connect 0.0.0.0:5": "is no address of one host", "a: connect [::]:5": "is no address of one host", "a: connect [fe80::1%lo]:5": "is no address",
		"a: connect 127.1:5": "is no name of a host", "a: connect 0x7f000001:5": "is no name", "a: connect a..b:5": "is no name", "a: connect 1.2.3.4:5; network any": "two answers",
		"a: processor 0": "is not a number of cores", "a: processor NaN": "is not a number of cores", "a: processor two": "is not a number of cores",
	} {
		if _, err := ParseProfiles(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What may be connected to is spelled in one way, and of several profiles the most counts.
func TestProfilesOfNetworks(t *testing.T) {
	all, err := ParseProfiles("a: connect DB.example.:5432 [2001:DB8:0::1]:443; connect 10.0.0.1:* [::ffff:10.0.0.1]:*; processor 0.5\nb: connect 10.0.0.1:* other:1; processor 2\nnone: network none\nany: network any")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Join(all[0].Lines(), "; "); lines != "connect db.example:5432; connect [2001:db8::1]:443; connect 10.0.0.1:*; processor 0.5" {
		t.Errorf("the lines are %q", lines)
	}
	for _, c := range []struct {
		which []int
		want  string
	}{
		{[]int{0, 1, 2}, "connect db.example:5432; connect [2001:db8::1]:443; connect 10.0.0.1:*; connect other:1; processor 2"},
		{[]int{2, 1}, "connect 10.0.0.1:*; connect other:1; processor 2"},
		{[]int{1, 3, 2}, "network any; processor 2"},
		{[]int{2}, "network none"},
	} {
		var some []Profile
		for _, i := range c.which {
			some = append(some, all[i])
		}
		if got := strings.Join(JoinProfiles(some).Lines(), "; "); got != c.want {
			t.Errorf("%v grant %q, want %q", c.which, got, c.want)
		}
	}
}

func TestMayNameProfiles(t *testing.T) {
	runners := []RunnerState{{Profiles: []Profile{{Name: "all", Owners: []string{"*"}}, {Name: "anns", Owners: []string{"ann"}}, {Name: "ours"}}}}
	for _, c := range []struct {
		profiles, owner string
		role            Role
		want            string
	}{
		{"all", "bob", "operator", ""},
		{"anns", "ann", "operator", ""},
		{"anns", "bob", "operator", `"anns" may not be named by bob`},
		{"ours", "ann", "operator", "may not be named by ann"},
		{"ours,anns", "root", Admin, ""},
		{"other", "bob", "operator", "is not declared: an administrator declares profiles with --profile or --profiles; there are all"},
	} {
		p, err := ParseParameters([]byte(`{"name":"j","schedule":"0 0 * * *","flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/c/d","input_dir":"a/b/fs/c/e","settings":{}},"spool":{"run":{"profiles":["` +
			strings.ReplaceAll(c.profiles, ",", `","`) + `"]}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Options.MayNameProfiles(c.owner, c.role, runners); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, list := range []string{`"all"`, `["a","a"]`, `["a b"]`, `["1","2","3","4","5","6","7","8","9"]`, `[1]`} {
		if _, err := ParseParameters([]byte(`{"name":"j","schedule":"0 0 * * *","flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/c/d","input_dir":"a/b/fs/c/e","settings":{}},"spool":{"run":{"profiles":` + list + `}}}`)); err == nil || !strings.Contains(err.Error(), "spool.run.profiles") {
			t.Errorf("%s: %v", list, err)
		}
	}
}
