package ui

import (
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"spool.internal/events/system"
	v2 "spool.internal/gateway/v2"
)

// methods are those of their data that templates call: {{name .}}, not {{.Name}}. An engine that
// finds methods by their names makes the linker keep every exported method of the program, an
// eighth of its size.
var methods = template.FuncMap{
	"action":     func(v interface{ Action() string }) string { return v.Action() },
	"after":      func(v interface{ After() string }) string { return v.After() },
	"api":        func(v interface{ API() string }) string { return v.API() },
	"ask":        func(v interface{ Ask() string }) string { return v.Ask() },
	"atBoot":     func(v interface{ AtBoot() bool }) bool { return v.AtBoot() },
	"away":       func(v interface{ Away() string }) string { return v.Away() },
	"bad":        func(v interface{ Bad() bool }) bool { return v.Bad() },
	"bars":       func(v interface{ Spark() []bar }) []bar { return v.Spark() },
	"cross":      func(v interface{ Cross() string }) string { return v.Cross() },
	"danger":     func(v interface{ Danger() bool }) bool { return v.Danger() },
	"described":  func(v interface{ Described() string }) string { return v.Described() },
	"disabledOn": func(v interface{ DisabledOn() string }) string { return v.DisabledOn() },
	"dueMore":    func(v interface{ DueMore() int }) int { return v.DueMore() },
	"few":        func(v interface{ Few() bool }) bool { return v.Few() },
	"fileHref":   func(v interface{ FileHref() string }) string { return v.FileHref() },
	"files":      func(v interface{ Files() bool }) bool { return v.Files() },
	"goes":       func(v interface{ Goes() bool }) bool { return v.Goes() },
	"hasLog":     func(v interface{ HasLog() bool }) bool { return v.HasLog() },
	"head":       func(v interface{ Head() string }) string { return v.Head() },
	"here":       func(v interface{ Here() bool }) bool { return v.Here() },
	"href":       func(v interface{ Href() string }) string { return v.Href() },
	"id":         func(v interface{ ID() string }) string { return v.ID() },
	"key":        func(v interface{ Key() string }) string { return v.Key() },
	"last":       func(v interface{ Last() lastRun }) lastRun { return v.Last() },
	"left":       func(v interface{ Left() int }) int { return v.Left() },
	"length":     func(v interface{ Length() time.Duration }) time.Duration { return v.Length() },
	"link":       func(v interface{ Link() string }) string { return v.Link() },
	"listed":     func(v interface{ Listed() bool }) bool { return v.Listed() },
	"markOf":     func(v interface{ Mark(system.State) string }, s system.State) string { return v.Mark(s) },
	"more":       func(v interface{ More() int }) int { return v.More() },
	"most":       func(v interface{ Most() string }) string { return v.Most() },
	"name":       func(v interface{ Name() string }) string { return v.Name() },
	"named":      func(v interface{ Named() []string }) []string { return v.Named() },
	"newest":     func(v interface{ Newest() []runBar }) []runBar { return v.Newest() },
	"off":        func(v interface{ Off() bool }) bool { return v.Off() },
	"on":         func(v interface{ On() bool }) bool { return v.On() },
	"pathB64":    func(v interface{ PathB64() string }) string { return v.PathB64() },
	"pending":    func(v interface{ Pending() string }) string { return v.Pending() },
	"readOnly":   func(v interface{ ReadOnly() *emptyList }) *emptyList { return v.ReadOnly() },
	"runKey":     func(v interface{ RunKey() string }) string { return v.RunKey() },
	"runTable":   func(v interface{ RunTable() runTable }) runTable { return v.RunTable() },
	"running":    func(v interface{ Running() bool }) bool { return v.Running() },
	"secretKey":  func(v interface{ Key(string) string }, part string) string { return v.Key(part) },
	"settled":    func(v interface{ Settled() int }) int { return v.Settled() },
	"sha256":     func(v interface{ SHA256() string }) string { return v.SHA256() },
	"shadow":     func(v interface{ Shadow() bool }) bool { return v.Shadow() },
	"shown":      func(v interface{ Shown() []v2.FolderEntry }) []v2.FolderEntry { return v.Shown() },
	"since":      func(v interface{ Since() string }) string { return v.Since() },
	"slotWord":   func(v interface{ Word() string }) string { return v.Word() },
	"slots":      func(v interface{ Slots() bool }) bool { return v.Slots() },
	"standing":   func(v interface{ Standing() string }) string { return v.Standing() },
	"started":    func(v interface{ Started() time.Time }) time.Time { return v.Started() },
	"ticked":     func(v interface{ Ticked(string) bool }, value string) bool { return v.Ticked(value) },
	"usual":      func(v interface{ Usual() *int64 }) *int64 { return v.Usual() },
	"waits":      func(v interface{ Waits() int }) int { return v.Waits() },
	"when":       func(v interface{ When() string }) string { return v.When() },
	"whyOff":     func(v interface{ Off() string }) string { return v.Off() },
	"words":      func(v interface{ Words() string }) string { return v.Words() },
	"zero":       func(v interface{ IsZero() bool }) bool { return v.IsZero() },
}
