package spelling

import (
	"strings"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1000000": 1e6, "512MiB": 512 << 20, "10GB": 10e9, "10G": 10 << 30, "10g": 10 << 30, "10gb": 10e9, "10 GB": 10e9, " 64 MiB ": 64 << 20,
		"16m": 16 << 20, "512k": 512 << 10, "2T": 2 << 40, "2TB": 2e12, "1.5GiB": 3 << 29, ".5K": 512, "7B": 7, "7 bytes": 7, "4Gi": 4 << 30, "1048576T": 1 << 60,
	} {
		if n, err := Size(text); n != want || err != nil {
			t.Errorf("Size(%q) = %d, %v; want %d", text, n, err, want)
		}
	}
	for _, text := range []string{"", " ", "GB", "10X", "10GBB", "-1", "1e9", "1_000", "1,000", "0x10", "1.2.3G", ".", "1048577T", strings.Repeat("9", 20) + "T", strings.Repeat("9", 100), "1/2G", "ten", "5s"} {
		if n, err := Size(text); err == nil || !strings.Contains(err.Error(), "write ") {
			t.Errorf("Size(%q) = %d, %v; want an error that says what to write", text, n, err)
		}
	}
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1 << 10: "1KiB", 3 << 29: "1536MiB", 5 << 30: "5GiB", 1 << 40: "1TiB"} {
		if text := FormatSize(n); text != want {
			t.Errorf("FormatSize(%d) = %s, want %s", n, text, want)
		}
		if back, err := Size(want); back != n || err != nil {
			t.Errorf("Size(%q) = %d, %v", want, back, err)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "5s": 5 * time.Second, "1h30m": 90 * time.Minute, "1h 30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "7d": 7 * day, "2w": 14 * day, "1w2d3h": 9*day + 3*time.Hour,
		"10 min": 10 * time.Minute, "10 minutes": 10 * time.Minute, "1 hour 5 sec": time.Hour + 5*time.Second, "1D": day, "5S": 5 * time.Second, "-1s": -time.Second, "+1m": time.Minute,
		"250ms": 250 * time.Millisecond, "3us": 3 * time.Microsecond, "3µs": 3 * time.Microsecond, "1ns": 1, ".5d": 12 * time.Hour, "168h": 7 * day, "1.5d": 36 * time.Hour,
	} {
		if d, err := Duration(text); d != want || err != nil {
			t.Errorf("Duration(%q) = %s, %v; want %s", text, d, err, want)
		}
	}
	for text, part := range map[string]string{
		"": "write it like", " ": "write it like", "30": "write 30s, 30m or 30h", "1h30": "no unit behind 30", "5x": "write it like", "h": "write it like", "-": "write it like", "3M": "months", "1 month": "30d", "1y": "365d",
		"1:30": "write it like", "01:30:00": "write it like", "PT1H": "write it like", "300000w": "290 years", "290y": "365d", "200y": "365d", "15000w 15000w": "290 years", "5 s ago": "write it like",
		"1e3s": "write it like", strings.Repeat("9", 30) + "s": "write it like", "5Gs": "write it like",
	} {
		if d, err := Duration(text); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Duration(%q) = %s, %v; want an error with %q", text, d, err, part)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", 90 * time.Minute: "1h30m", 24 * time.Hour: "1d", 7 * day: "7d", 90 * time.Second: "1m30s", 36 * time.Hour: "36h", time.Hour: "1h", 1500 * time.Millisecond: "1.5s", time.Hour + time.Second: "1h0m1s",
	} {
		if text := FormatDuration(d); text != want {
			t.Errorf("FormatDuration(%s) = %s, want %s", d, text, want)
		}
		if back, err := Duration(want); back != d || err != nil {
			t.Errorf("Duration(%q) = %s, %v", want, back, err)
		}
	}
}

func FuzzUnits(f *testing.F) {
	for _, text := range []string{"1h30m", "10GB", "-1s", "1.5d", ".", "3 M"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := Size(text); err == nil && n < 0 {
			t.Errorf("Size(%q) = %d", text, n)
		}
		d, err := Duration(text)
		if std, bad := time.ParseDuration(text); bad == nil && err == nil && d.Round(time.Microsecond) != std.Round(time.Microsecond) {
			t.Errorf("Duration(%q) = %s, and the standard library says %s", text, d, std)
		}
	})
}
