package events

import (
	"strings"
	"testing"
)

func TestQuota(t *testing.T) {
	for _, tc := range []struct {
		text, shown, fault string
		want               Quota
	}{
		{text: "jobs=100", shown: "jobs=100", want: Quota{Jobs: 100}},
		{text: "bytes=64MiB, queued=5,running=none", shown: "bytes=67108864,queued=5,running=none", want: Quota{Bytes: 64 << 20, Queued: 5, Running: unlimited}},
		{text: "bytes=3", shown: "bytes=3", want: Quota{Bytes: 3}},
		{text: "jobs=none,jobs=7", shown: "jobs=7", want: Quota{Jobs: 7}},
		{text: "bytes=10GB, jobs=1", shown: "jobs=1,bytes=10000000000", want: Quota{Jobs: 1, Bytes: 10e9}},
		{text: "", fault: "is not one of jobs, bytes"},
		{text: "jobs", fault: "jobs: \"\" is not a whole number above 0"},
		{text: "jobs=0", fault: "is not a whole number above 0, nor none"},
		{text: "jobs=-1", fault: "is not a whole number above 0"},
		{text: "jobs=5MiB", fault: "is not a whole number"},
		{text: "bytes=99999999999GiB", fault: "is not a size above 0, nor none"},
		{text: "cpu=5", fault: `"cpu" is not one of jobs, bytes, queued, running`},
	} {
		var q Quota
		err := q.Set(tc.text)
		switch {
		case tc.fault != "":
			if err == nil || !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("%q: %v, want %s", tc.text, err, tc.fault)
			}
		case err != nil || q != tc.want || q.String() != tc.shown:
			t.Errorf("%q: %+v %q, %v", tc.text, q, q.String(), err)
		}
	}
	if got := (Quota{Jobs: 3, Running: unlimited}).WithDefaults(); got != (Quota{Jobs: 3, Queued: 50_000, Running: unlimited}) {
		t.Errorf("with defaults: %+v", got)
	}
}

func TestChain(t *testing.T) {
	a := Next(nil, "a")
	b, none := Next(a, "b"), Next(a, "")
	if got := FormatChain(b) + " " + FormatChain(none) + " " + FormatChain(a); got != "a,b a,none a" {
		t.Errorf("chains are %s", got)
	}
	if got := ParseChain("a,b,,*,c.d, e"); FormatChain(got) != "a,b" {
		t.Errorf("read was %v", got)
	}
	if got := ParseChain(strings.Repeat("x,", 1000)); len(got) != maxChain {
		t.Errorf("%d jobs in a chain", len(got))
	}
}
