package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/services/broker/cluster"
)

// A stranger makes bundles with one command; one that could lose no machine is refused with the reason.
func TestClusterInit(t *testing.T) {
	t.Chdir(t.TempDir())
	out, code := spool(t, "cluster", "init", "--name", "prod", "--dir", "made", "--restore", "m1=10.0.0.1", "m2=10.0.0.2:7000", "m3=three.example.com")
	if code != 0 || !strings.Contains(out, "spool serve --bundle m2") || !strings.Contains(out, cluster.CAKey) {
		t.Fatalf("%d %s", code, out)
	}
	for _, m := range []string{"m1", "m2", "m3"} {
		if b, err := cluster.Load(filepath.Join("made", m)); err != nil || b.Machine != m || !b.Restore || b.Machines[2].Address != "three.example.com:6222" {
			t.Errorf("%s: %+v, %v", m, b, err)
		}
	}
	for command, want := range map[string]string{
		"--name prod m1=10.0.0.1":                                "a cluster takes three machines",
		"--name prod m1=10.0.0.1 m2=10.0.0.2":                    "two machines gain nothing over one",
		"--name Prod m1=10.0.0.1 m2=10.0.0.2 m3=10.0.0.3":        `--name: "Prod" is not a name`,
		"--name prod m1=10.0.0.1 m2 m3=10.0.0.3":                 `"m2" is not NAME=ADDRESS`,
		"--name prod m1=10.0.0.1 m1=10.0.0.2 m3=10.0.0.3":        "m1 is given twice",
		"--name prod --dir made m1=10.0.0.1 m2=10.0.0.2 m3=a:70": "made is there already",
	} {
		out, code := spool(t, append([]string{"cluster", "init"}, strings.Fields(command)...)...)
		if code == 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %d, %s", command, code, out)
		}
		if _, err := os.Stat("prod.bundle"); err == nil {
			t.Errorf("%s: made bundles", command)
		}
	}
}
