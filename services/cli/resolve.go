package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/pflag"

	"spool.internal/gateway/client"
)

// chooser finds jobs by what a person calls them.
type chooser struct{ username string }

func (c *chooser) declare(f *pflag.FlagSet) {
	f.StringVar(&c.username, "username", "", "owner of the job, for administrators; * = everybody (default: the caller)")
}

// owner is the parameter of a call.
func (c *chooser) owner() *string { return given(c.username) }

// given is a pointer to a text, nil where there is none.
func given[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// value returns what a pointer points to, or nothing.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// job returns the id of the job that a person means by an id, a name or a key.
func (c *chooser) job(ctx context.Context, s *session, text string) (string, error) {
	if uuid.Validate(text) == nil {
		return strings.ToLower(text), nil
	}
	var found []client.Job
	var like []string
	list := pages[client.Job]("jobs", 0, func(token *string, most int) (*http.Response, error) {
		return s.ListJobs(ctx, &client.ListJobsParams{Q: &text, Username: c.owner(), Limit: &most, PageToken: token})
	})
	for one, err := range list {
		if err != nil {
			return "", err
		}
		if one.value.Name == text || value(one.value.Key) == text {
			found = append(found, one.value)
		} else if len(like) < shownFirst {
			like = append(like, fmt.Sprintf("%q", one.value.Name))
		}
	}
	switch {
	case len(found) == 1:
		return found[0].JobId, nil
	case len(found) > 1:
		return "", ambiguous(text, found)
	case len(like) > 0:
		return "", failure(NotFound, "you have no job named %q: give its id, or its whole name, such as %s", text, strings.Join(like, ", "))
	default:
		return "", failure(NotFound, "you have no job named %q: spool jobs list shows what you have", text)
	}
}

// candidate is what is said of a job that a name could mean.
type candidate struct {
	ID       string `json:"job_id"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Status   string `json:"status"`
	Schedule string `json:"schedule,omitempty"`
}

func ambiguous(text string, found []client.Job) error {
	var all []candidate
	var lines []string
	for _, j := range found {
		all = append(all, candidate{j.JobId, j.Name, j.Username, string(j.Status), value(j.Schedule)})
		when := value(j.Schedule)
		if when == "" {
			when = "for each file"
		}
		lines = append(lines, fmt.Sprintf("%s (%s, %s, %s)", j.JobId, j.Username, strings.ToLower(string(j.Status)), when))
	}
	err := fmt.Errorf("%d jobs are named %q: give the id of one of them: %s", len(found), text, strings.Join(lines, ", "))
	return &Error{Exit: Misused, Facts: map[string]any{"candidates": all}, error: err}
}
