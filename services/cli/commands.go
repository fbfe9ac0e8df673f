package cli

import "github.com/spf13/cobra"

// Commands are the nouns of the command line, for the root of the program.
func Commands() []*cobra.Command {
	return []*cobra.Command{
		jobsCommand(), runCommand("run JOB…"), runsCommand(), whyCommand(), upcomingCommand(), slotsCommand(), filesCommand(), eventsCommand(), deadCommand(), scheduleCommand(),
		subscriberCommand(), profileCommand(), contextCommand(), whoamiCommand(), systemCommand(), completionCommand(), versionCommand(), importCommand(), shadowCommand(),
	}
}
