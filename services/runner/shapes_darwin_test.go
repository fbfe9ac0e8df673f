package runner

// shapes are how a runner shuts flows in: there is only one way here.
var shapes = map[string]func(*Config){"off": func(c *Config) { c.Sandbox = SandboxOff }}

// benched is what a benchmark goes without.
func benched(string) hidden { return hidden{} }
