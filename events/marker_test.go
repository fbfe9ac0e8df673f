package events

import "testing"

func TestMarkers(t *testing.T) {
	for _, tt := range []struct{ pattern, file, marker, marks string }{
		{".done", "a.pdf", "a.pdf.done", "a.pdf"},
		{"{name}.done", "a.pdf", "a.pdf.done", "a.pdf"},
		{"ready-{name}", "a.pdf", "ready-a.pdf", "a.pdf"},
		{"{stem}.ok", "a.b.pdf", "a.b.ok", ""},
		{"{stem}.ok", "plain", "plain.ok", ""},
	} {
		w := Watch{Marker: tt.pattern}
		if got := w.MarkerOf(tt.file); got != tt.marker {
			t.Errorf("%s: the marker of %s is %s", tt.pattern, tt.file, got)
		}
		if got, ok := w.MarkedBy(tt.marker); got != tt.marks || !ok {
			t.Errorf("%s: %s marks %q, %v", tt.pattern, tt.marker, got, ok)
		}
		if _, ok := w.MarkedBy(tt.file); ok {
			t.Errorf("%s: %s is a marker", tt.pattern, tt.file)
		}
	}
	if _, ok := (Watch{}).MarkedBy("f"); ok {
		t.Error("without a pattern there are markers")
	}
	if _, ok := (Watch{Marker: ".done"}).MarkedBy(".done"); ok {
		t.Error("a marker of nothing")
	}
	for pattern, ok := range map[string]bool{
		"": true, ".done": true, "{stem}.ok": true, "{name}": false, "{stem}": false, "x/{name}": false, "{name}{stem}": false, "{nam}.x": false,
	} {
		if got := markerFault(pattern); (got == "") != ok {
			t.Errorf("pattern %q: %q", pattern, got)
		}
	}
}
