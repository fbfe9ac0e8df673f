package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// execute runs a command in this process.
func execute(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(t.Output())
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestScheduleExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{
			"a spring gap",
			[]string{"30 2 * * *", "--timezone", "Europe/Paris", "--from", "2026-03-28T00:00:00Z", "--count", "3"},
			[]string{
				"At 02:30 every day (Europe/Paris).",
				"Warning: …",
				"",
				"UTC                   Europe/Paris",
				"2026-03-28T01:30:00Z  Sat 2026-03-28 02:30 +01:00",
				"2026-03-29T01:00:00Z  Sun 2026-03-29 03:00 +02:00  dst_gap",
				"2026-03-30T00:30:00Z  Mon 2026-03-30 02:30 +02:00",
			},
		},
		{
			"an autumn fold",
			[]string{"30 2 * * *", "--timezone", "Europe/Paris", "--from", "2026-10-24T12:00:00Z", "--count", "1"},
			[]string{
				"At 02:30 every day (Europe/Paris).",
				"Warning: …",
				"",
				"UTC                   Europe/Paris",
				"2026-10-25T00:30:00Z  Sun 2026-10-25 02:30 +02:00  dst_fold",
			},
		},
		{
			"nothing to warn of",
			[]string{"0 12 * * *", "--from", "2026-01-01T12:00:00Z", "--count", "1"},
			[]string{"At 12:00 every day (UTC).", "", "UTC                   UTC", "2026-01-02T12:00:00Z  Fri 2026-01-02 12:00 +00:00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := execute(t, scheduleExplain(), c.args...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(out) {
				line = strings.TrimRight(line, " \n")
				if strings.HasPrefix(line, "Warning: ") {
					// The words are events/schedule's, and tested there.
					if line = "Warning: …"; got[len(got)-1] == line {
						continue
					}
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for field, args := range map[string][]string{
		"schedule": {"75 * * * *"},
		"timezone": {"@daily", "--timezone", "Nowhere"},
		"from":     {"@daily", "--from", "tomorrow"},
		"count":    {"@daily", "--count", "0"},
	} {
		if _, err := execute(t, scheduleExplain(), args...); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%v: %v, want a fault of %s", args, err, field)
		}
	}
}
