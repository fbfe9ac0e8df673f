package cli

import (
	"context"
	_ "embed"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// completionPatience is how long a person who pressed Tab waits for names.
const completionPatience = 3 * time.Second

func completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion",
		Short: "Print what makes a shell complete commands, flags and the names of jobs",
		Long: `Print what makes a shell complete commands, flags and the names of jobs, which are
asked of the server. For this session:

  bash:        source <(spool completion bash)
  zsh:         source <(spool completion zsh)
  fish:        spool completion fish | source
  PowerShell:  spool completion powershell | Out-String | Invoke-Expression

For all sessions, put that line into ~/.bashrc, ~/.zshrc (after compinit),
~/.config/fish/config.fish or $PROFILE.`,
	}
	for _, shell := range []struct {
		name  string
		print func(*cobra.Command) error
	}{
		{"bash", bashCompletion},
		{"zsh", func(c *cobra.Command) error { return c.Root().GenZshCompletion(c.OutOrStdout()) }},
		{"fish", func(c *cobra.Command) error { return c.Root().GenFishCompletion(c.OutOrStdout(), true) }},
		{"powershell", func(c *cobra.Command) error { return c.Root().GenPowerShellCompletionWithDesc(c.OutOrStdout()) }},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: shell.name, Short: "Print it for " + shell.name, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return shell.print(c) },
		})
	}
	return cmd
}

// bashCompletion prints the script of cobra with what it lacks: names of several words, and
// machines without the package bash-completion.
func bashCompletion(c *cobra.Command) error {
	if err := c.Root().GenBashCompletionV2(c.OutOrStdout(), true); err != nil {
		return err
	}
	_, err := io.WriteString(c.OutOrStdout(), bashMore)
	return err
}

//go:embed completion.bash
var bashMore string

func completeContexts(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if all, err := readContexts(); err == nil && len(args) == 0 {
		names = all.names()
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeJobs completes the names of jobs, for as many arguments as take one (0: all). A
// name that several have, or that has control characters, is offered as an id.
func completeJobs(most int) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		jobs, err := jobsLike(cmd, begun)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		times := map[string]int{}
		for _, j := range jobs {
			times[j.Name]++
		}
		var names []string
		for _, j := range jobs {
			word, about := j.Name, describe(j)
			if times[j.Name] > 1 || clean(j.Name) != j.Name || strings.TrimSpace(j.Name) != j.Name {
				word, about = j.JobId, clean(j.Name)+", "+about
			}
			if strings.HasPrefix(word, begun) {
				names = append(names, word+"\t"+about)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// describe says in a few words what a job is.
func describe(j client.Job) string {
	if s := value(j.Schedule); s != "" {
		return clean(s)
	}
	return "for each file"
}

// jobsLike asks the server for the jobs whose name, tag or key could be meant.
func jobsLike(cmd *cobra.Command, begun string) ([]client.Job, error) {
	at, err := remoteOf(cmd.Flags()).find()
	if err != nil {
		return nil, err
	}
	s, err := open(cmd, at, &printer{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	most := biggestPage
	page, err := read[client.JobPage](s.ListJobs(ctx, &client.ListJobsParams{Q: given(begun), Limit: &most}))
	return page.value.Jobs, err
}
