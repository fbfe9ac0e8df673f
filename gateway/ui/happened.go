package ui

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/system"
	"spool.internal/events/why"
	"spool.internal/gateway/v2/stream"
)

// liveRow is something that has happened: once, or so often within a short time.
type liveRow struct {
	At    time.Time
	Stamp stamp
	Name  string // of a part of Spool
	Kind  string // of event
	Mark  string // an outcome, a verdict or a state
	Word  string
	Times int // 1: once
	Noun  string
	Why   string
	JobID string
	Job   string
	Href  string
	Link  string
	Burst string // what a later reading needs to count on
	Joins bool   // the row that has this burst went on: this one is in its place
	Run   string // the trigger, where it is about one run
	Begun bool   // that has not ended
}

// burst is a row that goes on while the same happens again within burstGap.
type burst struct {
	key   string // kind, job, word
	times int
	last  time.Time
}

const burstGap = 10 * time.Second

// maxBursts is how many rows of a page can go on.
const maxBursts = 60

func (b burst) String() string {
	return strings.Join([]string{b.key, strconv.Itoa(b.times), strconv.FormatInt(b.last.UnixMilli(), 10)}, "~")
}

// openBursts reads those that a page has; what is none is left out.
func openBursts(texts []string) map[string]burst {
	open := map[string]burst{}
	for _, text := range texts[:min(len(texts), maxBursts)] {
		parts := strings.Split(text, "~")
		if len(parts) != 3 {
			continue
		}
		times, err := strconv.Atoi(parts[1])
		last, bad := strconv.ParseInt(parts[2], 10, 64)
		if err == nil && bad == nil && times > 0 {
			open[parts[0]] = burst{parts[0], times, time.UnixMilli(last)}
		}
	}
	return open
}

// teller makes rows of events.
type teller struct {
	u      *UI
	brief  bool             // leave out what only prepares other news
	bursts map[string]burst // that may go on, by key
}

// tell gives the rows, the newest first.
func (t teller) tell(all []stream.Happened) []liveRow {
	var rows []liveRow
	at := map[string]int{} // of rows, by the key of their burst
	for _, row := range t.news(all) {
		key := strings.Join([]string{row.Kind, cmp.Or(row.JobID, row.Noun), row.Word}, ":")
		if row.Begun && t.brief {
			key += ":" + row.Run // it gives way to the end of this one run
		}
		b, open := t.bursts[key]
		if open && row.At.Sub(b.last) <= burstGap {
			row.Times, b = b.times+1, burst{key, b.times + 1, row.At}
			if i, here := at[key]; here {
				row.Joins = rows[i].Joins
				rows[i].Times = 0 // is told by the newer one
			} else {
				row.Joins = true
			}
		} else {
			b = burst{key, 1, row.At}
		}
		if row.Times > 1 && (row.Kind == "run" || row.Kind == "result") {
			row.Href, row.Link = "/jobs/"+row.JobID+"/runs", "runs"
		}
		t.bursts[key], row.Burst = b, b.String()
		at[key] = len(rows)
		rows = append(rows, row)
	}
	rows = slices.DeleteFunc(rows, func(r liveRow) bool { return r.Times == 0 })
	slices.Reverse(rows)
	return rows
}

// news makes a row of each event that is some. That a run began is none when it has ended.
func (t teller) news(all []stream.Happened) []liveRow {
	var rows []liveRow
	ended := map[string]bool{}
	for _, e := range all {
		if row, ok := t.row(e); ok {
			row.Kind, ended[row.Run] = e.Kind, ended[row.Run] || !row.Begun
			rows = append(rows, row)
		}
	}
	return slices.DeleteFunc(rows, func(r liveRow) bool { return t.brief && r.Begun && ended[r.Run] })
}

// happening is what is told of any event, whichever of it is there.
type happening struct {
	Event   events.Change `json:"event"`
	By      string        `json:"by"`
	Reason  string        `json:"reason"`
	Job     events.JobRef `json:"job"`
	Trigger string        `json:"trigger_id"`
	Kind    events.Kind   `json:"kind"`
	File    *events.File  `json:"file"`

	Phase   events.Phase   `json:"phase"`
	Outcome events.Outcome `json:"outcome"`
	Why     string         `json:"why"`
	Message string         `json:"message"`

	Verdict   events.Ruling `json:"verdict"`
	State     string        `json:"state"`
	Name      string        `json:"name"`
	Means     string        `json:"means"`
	LastError string        `json:"last_error"`
	Files     []struct{}    `json:"files"`
	More      int           `json:"more"`
}

// row tells an event; false: it is no news.
func (t teller) row(e stream.Happened) (liveRow, bool) {
	var h happening
	if err := json.Unmarshal(e.Data, &h); err != nil {
		return liveRow{}, false
	}
	r := liveRow{At: e.At, Stamp: lately(e.At), Times: 1, JobID: e.JobID, Job: cmp.Or(t.u.jobName(e.JobID), h.Job.Name), Why: h.Why}
	if h.Trigger != "" {
		r.Href, r.Link = "/runs/"+h.Trigger, "run"
	} else if e.JobID != "" {
		r.Href, r.Link = "/jobs/"+e.JobID, "job"
	}
	news := true
	switch e.Kind {
	case "job":
		r.Mark, r.Word, r.Noun = markOf(h.Event), string(h.Event)+" by "+h.By, "change"
		r.Why = h.Reason
	case "result":
		news = h.Outcome != events.OutcomeWaiting && h.Outcome != events.OutcomeGaveUp // a run, a dead letter tells
		r.Mark, r.Word, r.Noun = string(h.Outcome), word(h.Outcome), nounOf(h)
	case "run":
		news = t.run(&r, h)
	case "slot":
		r.Mark, r.Word, r.Noun, r.Why = string(h.Verdict), word(h.Verdict), "slot", cmp.Or(h.Reason, h.Why)
	case "dead":
		r.Mark, r.Word, r.Noun = "gave_up", "gave up", "dead letter"
		r.Href, r.Link = "/dead?job="+e.JobID, "dead letters"
	case "watch":
		r.Mark, r.Word, r.Noun, r.Why = h.State, "folder "+word(h.State), "report", h.Reason
		news = h.State != string(events.FolderArming)
	case "file":
		n := len(h.Files) + h.More
		r.Mark, r.Word, r.Noun, news = "waiting", why.Count(n, "file")+" wait", "report", false
	case "retry":
		r.Mark, r.Word, r.Noun, r.Why, news = "retrying", "called again", "call", h.LastError, false
	case "system":
		r.Name, r.Mark, r.Word, r.Noun, r.Why = h.Name, systemMark[h.State], systemWord[h.State], "part", h.Means
		r.Href, r.Link = "/system", "system"
		if h.State == string(system.OK) {
			r.Why = ""
		}
	}
	if r.Job != "" { // sentences name a job by its id where its flow has no name
		r.Why = strings.ReplaceAll(r.Why, e.JobID, r.Job)
	}
	return r, news || !t.brief
}

// run tells a step of a run.
func (t teller) run(r *liveRow, h happening) (news bool) {
	r.Mark, r.Word, r.Noun = string(h.Outcome), word(h.Outcome), "run"
	switch h.Phase {
	case events.Accepted:
		r.Mark, r.Word = "waiting", "accepted"
		return false
	case events.Told:
		r.Mark, r.Word, r.Why = "ok", "told", h.Message
		return false
	case events.Undelivered:
		r.Mark, r.Word, r.Why = "failed", "notice given up", h.Message
	case events.Cancelling:
		r.Mark, r.Word, r.Why = "cancelled", "asked to stop", h.Message
	case events.Started:
		r.Mark, r.Word, r.Run, r.Begun = "running", "started", h.Trigger, true
	case events.Ended:
		r.Run = h.Trigger
	}
	return true
}

// lately is a time as a list of news shows it: without the day when that is today.
func lately(t time.Time) stamp {
	if now := time.Now().UTC(); t.UTC().Truncate(24 * time.Hour).Equal(now.Truncate(24 * time.Hour)) {
		return stampOf(t, nil, "", "15:04:05 MST")
	}
	return stampOf(t, nil, "Mon 2 Jan", "15:04:05 MST")
}

// nounOf is what many of the same are called.
func nounOf(h happening) string {
	if h.Kind == events.KindFile {
		return "file"
	}
	return "execution"
}

func markOf(c events.Change) string {
	switch c {
	case events.JobDisabled, events.JobDeleted:
		return "disabled"
	case events.JobEnabled, events.JobCreated:
		return "ready"
	}
	return "none"
}

// How a part of Spool is, as a mark and a word.
var (
	systemMark = map[string]string{"ok": "ok", "warning": "warning", "failed": "failed", "away": "failed", "unknown": "waiting"}
	systemWord = map[string]string{"ok": "ready", "warning": "ready, with a warning", "failed": "not ready", "away": "stopped", "unknown": "starting"}
)
