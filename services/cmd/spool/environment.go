package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/faultpoint"
	"spool.internal/events/spelling"
)

const envPrefix = "SPOOL_"

// fromEnvironment sets the flags that the command line does not give, and warns
// of variables that no command knows.
func fromEnvironment(cmd *cobra.Command, environ []string) error {
	values := map[string]string{}
	for _, assignment := range environ {
		if name, value, ok := strings.Cut(assignment, "="); ok && strings.HasPrefix(name, envPrefix) {
			values[name] = value
		}
	}
	var fault error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := variable(f)
		if value, ok := values[name]; ok && !f.Changed && fault == nil {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				fault = fmt.Errorf("%s: %w", name, err)
			}
		}
	})
	if fault != nil {
		return fault
	}
	for _, warning := range unknownVariables(cmd.Root(), values) {
		fmt.Fprintln(cmd.ErrOrStderr(), "spool: warning:", warning)
	}
	return nil
}

// variable names the environment variable of a flag.
func variable(f *pflag.Flag) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// Those that Kubernetes sets for a service called spool, and Docker for a link.
var setByOthers = regexp.MustCompile(`^SPOOL_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?|NAME|ENV_[A-Za-z0-9_]+)$`)

// setForFlows are those that a flow has, which may call this program.
var setForFlows = []string{
	"SPOOL_JOB_ID", "SPOOL_RUN_ID", "SPOOL_INPUT_DIR", "SPOOL_OUTPUT_DIR", "SPOOL_TAGS", "SPOOL_RUNTIME_CONFIG",
}

// unknownVariables gives a sentence for each variable that means nothing to any command.
func unknownVariables(root *cobra.Command, values map[string]string) []string {
	known := append(slices.Clone(setForFlows), faultpoint.Variables...)
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, variable(f)) })
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	var warnings []string
	for name := range values {
		if slices.Contains(known, name) || setByOthers.MatchString(name) {
			continue
		}
		warning := name + " in the environment means nothing to this program"
		if meant := spelling.Nearest(name, known); meant != "" {
			warning += ": did you mean " + meant + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}
