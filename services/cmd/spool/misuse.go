package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/spelling"
	"spool.internal/services/cli"
)

// misuse is an error in the flags or arguments of a command, found before it did anything.
type misuse struct {
	cmd *cobra.Command
	error
}

func (m misuse) Unwrap() error { return m.error }

// Exit statuses.
const (
	exitFailed = 1 // the command failed
	exitMisuse = 2 // wrong flags or arguments
	exitLost   = 3 // the data folder is damaged or was taken away: a person has to do something first
)

// report returns the lines to print for an error, and the exit status.
func report(err error) (lines []string, status int) {
	m, wrong := errors.AsType[misuse](err)
	if e, ok := errors.AsType[*cli.Error](err); ok {
		if e.Exit != cli.Misused {
			return []string{oneLine(err)}, e.Exit
		}
		m, wrong = misuse{e.Cmd, e.Unwrap()}, true
	}
	if !wrong {
		if e, ok := errors.AsType[exit](err); ok {
			return []string{oneLine(err)}, e.code
		}
		return []string{oneLine(err)}, exitFailed
	}
	status = exitFailed
	for _, fault := range each(m.error) {
		if line := named(m.cmd, fault); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
		if !errors.Is(fault, syscall.EADDRINUSE) { // may pass, so it is no misuse
			status = exitMisuse
		}
	}
	return lines, status
}

// each returns the parts of a joined error.
func each(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

// named begins a fault with the flag as it was given: --timezone, or SPOOL_TIMEZONE
// where the environment has set it.
func named(cmd *cobra.Command, fault error) string {
	text := oneLine(fault)
	name, rest, ok := strings.Cut(text, ": ")
	var f *pflag.Flag
	if cmd != nil {
		f = cmd.Flags().Lookup(name)
	}
	switch {
	case !ok || f == nil:
		return text
	case f.Annotations[envPrefix] != nil:
		return variable(f) + ": " + rest
	default:
		return "--" + name + ": " + rest
	}
}

// checked makes a command report every fault of its flags before it does anything.
func checked(cmd *cobra.Command, check func() error) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := check(); err != nil {
			return misuse{cmd, err}
		}
		return nil
	}
}

// strict makes every command below root report all that is wrong with its arguments and
// flags; args are those that were given.
func strict(root *cobra.Command, args []string) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, first error) error {
		_, given, err := root.Find(args)
		if err != nil {
			return misuse{cmd, first}
		}
		faults := flagFaults(cmd, given)
		return misuse{cmd, errors.Join(append(faults, fromEnvironment(cmd, os.Environ()), furtherFaults(cmd))...)}
	})
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if takes := cmd.Args; takes != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if takes(cmd, args) == nil {
					return nil
				}
				return misuse{cmd, wrongArguments(cmd, args)}
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		cmd.SuggestionsMinimumDistance = 2
		if cmd.HasSubCommands() && !cmd.Runnable() {
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, group
		}
	}
	visit(root)
}

// group runs a command that only has subcommands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		text += ": did you mean " + strings.Join(like, " or ") + "?"
	} else {
		text += ": " + cmd.CommandPath() + " --help lists them"
	}
	return misuse{cmd, errors.New(text)}
}

// wrongArguments returns the error of arguments that a command does not take.
func wrongArguments(cmd *cobra.Command, args []string) error {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	switch {
	case cmd.HasSubCommands() && len(args) == 1 && len(cmd.SuggestionsFor(args[0])) > 0:
		return group(cmd, args)
	case takes == "":
		return fmt.Errorf("%s takes no arguments, but %q was given (the value of a switch is written --insecure=false)", cmd.CommandPath(), args[0])
	case len(args) == 0:
		return fmt.Errorf("%s requires %s", cmd.CommandPath(), takes)
	default:
		return fmt.Errorf("%s takes %s, but %d arguments were given: %s (quote an argument that contains spaces)", cmd.CommandPath(), takes, len(args), strings.Join(args, " "))
	}
}

// furtherFaults returns what the check of a command finds wrong with its flags.
func furtherFaults(cmd *cobra.Command) error {
	if cmd.PreRunE == nil {
		return nil
	}
	err := cmd.PreRunE(cmd, nil)
	if m, ok := errors.AsType[misuse](err); ok {
		return m.error
	}
	if e, ok := errors.AsType[*cli.Error](err); ok && e.Exit == cli.Misused {
		return e.Unwrap()
	}
	return nil
}

// flagFaults parses the flags repeatedly, until every wrong one is found.
func flagFaults(cmd *cobra.Command, given []string) []error {
	var unknown, values []error
	flags := cmd.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		f.Value = &patient{f.Value, f, func(err error) { values = append(values, fmt.Errorf("%s: %w", f.Name, err)) }}
	})
	defer flags.VisitAll(func(f *pflag.Flag) { f.Value = f.Value.(*patient).Value })
	for {
		values = nil
		flags.VisitAll(func(f *pflag.Flag) {
			if list, ok := f.Value.(*patient).Value.(pflag.SliceValue); ok && f.Changed {
				_ = list.Replace(nil) // the next parse appends to it
			}
		})
		err := flags.Parse(given)
		other, ok := errors.AsType[*pflag.NotExistError](err)
		if !ok || other.GetSpecifiedShortnames() != "" {
			return append(append(unknown, values...), unreadable(err)...)
		}
		name := other.GetSpecifiedName()
		unknown = append(unknown, unknownFlag(flags, name))
		flags.AddFlag(&pflag.Flag{Name: name, Value: &patient{new(ignored), nil, nil}, NoOptDefVal: "true", Hidden: true})
	}
}

// unreadable returns why flags cannot be parsed further.
func unreadable(err error) []error {
	if err == nil {
		return nil
	}
	if lacks, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return []error{fmt.Errorf("%s: requires a value", lacks.GetFlag().Name)}
	}
	if letter, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return []error{fmt.Errorf("-%s is not a flag: --help lists them, and most begin with two dashes", letter.GetSpecifiedName())}
	}
	return []error{err}
}

func unknownFlag(flags *pflag.FlagSet, name string) error {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if like := spelling.Nearest(name, known); like != "" {
		return fmt.Errorf("--%s is not a flag: did you mean --%s?", name, like)
	}
	return fmt.Errorf("--%s is not a flag: --help lists them", name)
}

// ignored is the value of an unknown flag.
type ignored string

func (i *ignored) String() string     { return "" }
func (i *ignored) Set(_ string) error { return nil }
func (i *ignored) Type() string       { return "" }

// patient is a value that reports a fault without ending the parsing.
type patient struct {
	pflag.Value
	flag   *pflag.Flag
	failed func(error)
}

func (p *patient) Set(text string) error {
	if err := p.Value.Set(text); err != nil {
		p.failed(refused(p.flag, p.Value, text, err))
	}
	return nil
}

// refused returns in plain words why a value is refused, and resets the flag to its
// default, so that no check fails because of it.
func refused(f *pflag.Flag, v pflag.Value, text string, err error) error {
	_ = v.Set(f.DefValue)
	return plainly(v.Type(), text, err)
}

// plainly returns in plain words why a value is refused.
func plainly(kind, text string, err error) error {
	switch kind {
	case "int", "int64":
		return fmt.Errorf("%q is not a whole number: write one such as 10", text)
	case "float64":
		return fmt.Errorf("%q is not a number: write one such as 2.5", text)
	case "bool":
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return err
}
