package main

import (
	"errors"
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

// fromEnvironment sets the flags that the command line does not give, and warns about
// variables that no command knows.
func fromEnvironment(cmd *cobra.Command, environ []string) error {
	values := map[string]string{}
	for _, assignment := range environ {
		if name, value, ok := strings.Cut(assignment, "="); ok && strings.HasPrefix(name, envPrefix) {
			values[name] = value
		}
	}
	var faults []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value, ok := values[variable(f)]
		if !ok || f.Changed || slices.Contains(setForFlows, variable(f)) { // in a flow SPOOL_NAME is no --name
			return
		}
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[envPrefix] = []string{variable(f)}
		err := cmd.Flags().Set(f.Name, value)
		if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			err = refused(f, f.Value, value, invalid.Unwrap())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.Name, err))
		}
	})
	for _, warning := range unknownVariables(cmd.Root(), values) {
		fmt.Fprintln(cmd.ErrOrStderr(), "spool: warning:", warning)
	}
	return errors.Join(faults...)
}

// variable returns the environment variable of a flag.
func variable(f *pflag.Flag) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// setByOthers matches the variables that Kubernetes sets for a service called spool, and
// Docker for a link.
var setByOthers = regexp.MustCompile(`^SPOOL_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?|NAME|ENV_[A-Za-z0-9_]+)$`)

// setForFlows are the variables of a flow, which may call this program.
var setForFlows = []string{
	"SPOOL_JOB_ID", "SPOOL_RUN_ID", "SPOOL_INPUT_DIR", "SPOOL_OUTPUT_DIR", "SPOOL_TAGS", "SPOOL_RUNTIME_CONFIG",
	"SPOOL_SLOT", "SPOOL_FILE", "SPOOL_NAME", "SPOOL_STEM", "SPOOL_RESULT", "SPOOL_ATTEMPT",
}

// unknownVariables returns a warning for each variable that no command knows.
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
	var warnings, others []string
	for name := range values {
		if slices.Contains(known, name) {
			continue
		}
		if setByOthers.MatchString(name) {
			others = append(others, name)
			continue
		}
		warning := name + " in the environment means nothing to this program"
		if meant := spelling.Nearest(name, known); meant != "" {
			warning += ": did you mean " + meant + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	if len(others) > 0 {
		slices.Sort(others)
		warnings = append(warnings, strings.Join(others, ", ")+" in the environment means nothing to this program: Kubernetes sets it for a service called spool, unless its pods have enableServiceLinks: false")
	}
	return warnings
}
