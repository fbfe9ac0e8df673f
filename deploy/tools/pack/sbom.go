package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// bom is a list of what a program is made of, as CycloneDX 1.6 has it, as far as the Go tool
// recorded it in the program.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Serial     string      `json:"serialNumber"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Purl       string     `json:"purl,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeSBOM writes what a program is made of.
func writeSBOM(o options, program, arch, to string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	list := bom{Format: "CycloneDX", Spec: "1.6", Serial: serial(sum), Version: 1, Metadata: metadata{
		Timestamp: o.date.Format(time.RFC3339),
		Component: component{
			Type: "application", Ref: "spool", Name: "spool", Version: o.version,
			Hashes:     []hash{{"SHA-256", fmt.Sprintf("%x", sum)}},
			Properties: []property{{"spool:commit", o.commit}, {"spool:platform", "linux/" + arch}},
		},
	}}
	list.Components = append(list.Components, component{
		Type: "library", Ref: "std", Name: "std", Version: info.GoVersion, Purl: "pkg:golang/std@" + info.GoVersion[2:],
	})
	for _, m := range info.Deps {
		if m.Version == "(devel)" || m.Version == "v0.0.0" || m.Version == "" { // our own
			continue
		}
		list.Components = append(list.Components, ofModule(m))
	}
	if len(list.Components) < 10 {
		return fmt.Errorf("only %d modules are recorded in it", len(list.Components))
	}
	out, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(out, '\n'), 0o644)
}

func ofModule(m *debug.Module) component {
	if m.Replace != nil {
		m = m.Replace
	}
	c := component{Type: "library", Name: m.Path, Version: m.Version, Purl: "pkg:golang/" + m.Path + "@" + m.Version}
	c.Ref = c.Purl
	if m.Sum != "" { // of the module's tree, as go.sum has it
		c.Properties = []property{{"go:sum", m.Sum}}
	}
	return c
}

// serial makes the number of a list from what it lists, as a UUID of version 8.
func serial(sum [32]byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
