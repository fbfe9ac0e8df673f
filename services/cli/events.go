package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

var eventKinds = []string{"job", "result", "run", "slot", "dead", "watch", "file", "retry", "system"}

// listening is which events are shown.
type listening struct {
	chooser
	follow bool
	kinds  []string
	job    string
	tail   int
	after  string
}

// eventsCommand shows what happens.
func eventsCommand() *cobra.Command {
	var o listening
	cmd := &cobra.Command{
		Use: "events", Short: "Show what has happened last, and with -f what happens", Args: cobra.NoArgs,
		Long: `Show the last events, and with -f those that come, until Ctrl-C; also when the server
starts again meanwhile, without a gap. With -o json each event is one line: its id, type
and data. --after ID goes on behind the event with this id.`,
		Example: "  spool events --tail 20\n  spool events -f --job backup --type run,slot\n  spool events -f -o json --after j12-r345-u67-s8-d9-t10",
	}
	verb(cmd, func(ctx context.Context, s *session, _ []string) error {
		if s.out.form == "yaml" || s.out.form == "name" {
			return misused("output: events are printed as a table, or as json")
		}
		if o.tail < 0 || o.tail > 500 {
			return misused("tail: %d is not between 0 and 500", o.tail)
		}
		asked := &client.StreamEventsParams{Type: givenList[client.StreamEventsParamsType](o.kinds)}
		if o.job != "" {
			id, err := o.chooser.job(ctx, s, o.job)
			if err != nil {
				return err
			}
			asked.JobId = &id
		}
		return o.listen(ctx, s, asked)
	})
	o.declare(cmd.Flags())
	f := cmd.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with the events that come")
	f.StringSliceVar(&o.kinds, "type", nil, "only of these kinds: "+strings.Join(eventKinds, ", ")+" (default: all)")
	f.StringVar(&o.job, "job", "", "only of this job")
	f.IntVar(&o.tail, "tail", 50, "begin with the last so many, 500 at most")
	f.StringVar(&o.after, "after", "", "begin behind the event with this id")
	oneOf(cmd, "type", eventKinds...)
	_ = cmd.RegisterFlagCompletionFunc("job", completeJobs(0)) // the flag is there
	return cmd
}

// givenList is a pointer to a list, nil where there is none.
func givenList[T ~string](texts []string) *[]T {
	if len(texts) == 0 {
		return nil
	}
	list := make([]T, len(texts))
	for i, text := range texts {
		list[i] = T(text)
	}
	return &list
}

// hush is how long nothing comes when all that has happened is shown.
const hush = 2 * time.Second

// listen shows events: those that come until ctx ends, or those that were there.
func (o *listening) listen(ctx context.Context, s *session, asked *client.StreamEventsParams) error {
	jobs := s.jobsByID(ctx)
	if !o.follow {
		return o.past(ctx, s, asked, jobs)
	}
	for e, err := range client.Follow(ctx, func(last string) (*http.Response, error) { return o.open(ctx, s, *asked, last) }, nil) {
		if err == nil {
			err = s.show(e, jobs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens the stream behind an event; without one where the person wants to begin.
func (o *listening) open(ctx context.Context, s *session, asked client.StreamEventsParams, last string) (*http.Response, error) {
	last = cmp.Or(last, o.after)
	if asked.LastEventID = given(last); last == "" && o.tail > 0 {
		asked.Tail = &o.tail
	}
	return s.StreamEvents(ctx, &asked)
}

// past shows what was there. Behind the last so many the server says that these were all;
// behind a certain one it is all when nothing more comes for a while.
func (o *listening) past(ctx context.Context, s *session, asked *client.StreamEventsParams, jobs *jobsByID) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	resp, err := o.open(ctx, s, *asked, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	quiet := time.AfterFunc(hush, stop)
	defer quiet.Stop()
	beats := 0
	for e, err := range client.Events(resp.Body) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		quiet.Reset(hush)
		if e.Data == nil {
			if beats++; beats > 1 && o.after == "" {
				return nil
			}
			continue
		}
		if err := s.show(e, jobs); err != nil {
			return err
		}
	}
	return nil
}

// happening is what is shown of any event, whichever of it is there.
type happening struct {
	At          time.Time `json:"at"`
	TriggeredAt time.Time `json:"triggered"`
	Ended       time.Time `json:"ended"`
	Slot        time.Time `json:"slot"`

	Event   string `json:"event"`
	Phase   string `json:"phase"`
	Verdict string `json:"verdict"`
	State   string `json:"state"`
	Outcome string `json:"outcome"`

	Why     string `json:"why"`
	Means   string `json:"means"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	By      string `json:"by"`

	Name  string          `json:"name"`
	JobID string          `json:"job_id"`
	Job   json.RawMessage `json:"job"`
	File  struct {
		Path string `json:"path"`
	} `json:"file"`
}

// show prints one event.
func (s *session) show(e client.StreamedEvent, jobs *jobsByID) error {
	if !json.Valid(e.Data) {
		return errors.New("the server sent an event that is no JSON")
	}
	if !s.out.plain() {
		return s.out.ndjson(encode(struct {
			ID   string          `json:"id"`
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		}{e.ID, e.Type, e.Data}))
	}
	var h happening
	_ = json.Unmarshal(e.Data, &h) // what is of another form is not shown
	about, zone := h.Name, ""
	job := h.jobName()
	if job == "" && h.JobID != "" {
		job = jobs.of(h.JobID).Name
	}
	if h.JobID != "" {
		zone = jobs.zone(h.JobID)
	}
	if job != "" {
		about = job
	}
	cells := []string{s.out.wall(h.when(s.out.now()), zone), e.Type, about, h.what()}
	for i := range cells {
		if cells[i] = clean(cells[i]); cells[i] == "" {
			cells[i] = wordless
		}
	}
	if s.out.terminal {
		_, err := fmt.Fprintf(s.out.w, "%s  %-6s  %-20s  %s\n", cells[0], cells[1], cells[2], s.out.painted(cells[3], false))
		return err
	}
	_, err := fmt.Fprintln(s.out.w, strings.Join(cells, "\t"))
	return err
}

// jobName returns the name of the job that an event carries.
func (h *happening) jobName() string {
	var job struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if json.Unmarshal(h.Job, &job) != nil {
		return ""
	}
	if h.JobID == "" {
		h.JobID = job.ID
	}
	return job.Name
}

func (h *happening) when(now time.Time) time.Time {
	for _, t := range []time.Time{h.At, h.Ended, h.TriggeredAt, h.Slot} {
		if !t.IsZero() {
			return t
		}
	}
	return now
}

// what says what has happened.
func (h *happening) what() string {
	var parts []string
	for _, word := range []string{h.Event, h.Phase, h.Verdict, h.State, h.Outcome, h.File.Path} {
		if word != "" {
			parts = append(parts, words(word))
		}
	}
	text := strings.Join(parts, " ")
	for _, sentence := range []string{h.Why, h.Means, h.Reason, h.Message} {
		if sentence != "" {
			return text + ": " + sentence
		}
	}
	if h.By != "" {
		text += " by " + h.By
	}
	return text
}
