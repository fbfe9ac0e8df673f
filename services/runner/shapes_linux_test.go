package runner

import "strings"

// shapes are how a runner shuts flows in, by what this kernel seems to grant.
var shapes = map[string]func(*Config){
	"whole":         func(c *Config) { c.Sandbox = SandboxBestEffort },
	"no mounts":     func(c *Config) { c.Sandbox, c.hidden.mounts = SandboxBestEffort, true },
	"no namespaces": func(c *Config) { c.Sandbox, c.hidden.spaces = SandboxBestEffort, true },
	"off":           func(c *Config) { c.Sandbox = SandboxOff },
}

// benched is what a benchmark goes without.
func benched(name string) hidden { return hidden{private: strings.HasSuffix(name, "not private")} }
