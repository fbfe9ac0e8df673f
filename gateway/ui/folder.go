package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// How many files the page of a job shows of those that wait, and of those that are done.
const (
	waitingShown = 20
	doneShown    = 10
)

// folder is the part of a job's page that its folder has: how it is, where files are dropped,
// where one of them is, what waits and what is done.
type folder struct {
	JobID, Job string
	Head       folderHead
	Drop       *dropZone // nil: Locked says why
	Locked     string
	Where      where
	Waiting    fileTable
	Done       fileTable
	Zone       *time.Location
}

// folderHead says how a folder is.
type folderHead struct {
	State events.FolderState
	Word  string // for it
	Words string // a sentence
	How   string // how what happens in it is heard of
	Away  *emptyList
}

// dropZone takes files.
type dropZone struct {
	JobID, Job string
	Folder     string // logical
	Hints      []string
}

// Action is where a form sends files, without our modules.
func (d dropZone) Action() string { return "/jobs/" + d.JobID + "/files/drop" }

// After is where a file's timeline is; its path comes behind.
func (d dropZone) After() string { return "/jobs/" + d.JobID + "?path=" }

// watchedFolder is a job that watches a folder, and what that means.
type watchedFolder struct {
	job  events.Job
	plan *events.Plan
}

// watchedJob finds a job that has a folder.
func (u *UI) watchedJob(c *call) (watchedFolder, error) {
	rev, err := u.api.Changes.Find(c.Context(), c.who, c.id("id"))
	if err != nil {
		return watchedFolder{}, err
	}
	plan, err := rev.Event.Job.Plan(u.api.Zone)
	if err == nil && !plan.Spooled {
		err = events.Faultf(events.NotFound, "", "the job runs by the clock: it watches no folder")
	}
	return watchedFolder{rev.Event.Job, plan}, err
}

// folder is read for the page of a job. What cannot be read says so in its place.
func (u *UI) folder(c *call, job v2.Job) *folder {
	id := job.ID
	if !c.wants(id) {
		return nil
	}
	f := &folder{JobID: id, Job: job.Name, Where: where{Action: "/jobs/" + id, JobID: id, Job: job.Name}}
	away := func(err error) *folder {
		f.Head.Away = partAway("The folder", err, "Files that land in it are run all the same, as soon as they are complete.")
		return f
	}
	w, err := u.watchedJob(c)
	if err != nil {
		return away(err)
	}
	f.Zone = w.plan.Zone
	f.Drop, f.Locked = u.dropZone(c, w)
	if f.Waiting, err = u.fileTable(c, w, url.Values{"state": {"waiting"}, "limit": {strconv.Itoa(waitingShown)}}); err != nil {
		return away(err)
	}
	f.Head = folderHeadOf(why.At{Now: c.now, Zone: w.plan.Zone}, f.Waiting.folder)
	if f.Done, err = u.fileTable(c, w, url.Values{"state": {"called"}, "limit": {strconv.Itoa(doneShown)}}); err != nil {
		f.Done.Empty = partAway("What has run", err, "Nothing of it is lost.")
	}
	f.Where.remember(f.Waiting, f.Done)
	if err := u.find(c, w, &f.Where); err != nil {
		f.Where.Fault = sentence(err.Error())
	}
	return f
}

// folderWords are what people call the states of a folder.
var folderWords = map[events.FolderState]string{
	events.FolderLive: "live", events.FolderPoll: "polled", events.FolderArming: "starting", events.FolderRescan: "looking again",
	events.FolderAbsent: "absent", events.FolderBlocked: "blocked",
}

// folderHeadOf says how a folder is.
func folderHeadOf(at why.At, d *why.Folder) folderHead {
	if d == nil {
		return folderHead{Words: "No watcher has said anything of this folder yet."}
	}
	words, _ := at.Folder(why.Facts{Folder: d})
	head := folderHead{State: d.State, Word: folderWords[d.State], Words: words}
	switch {
	case d.State == events.FolderLive:
		head.How = "watching by events"
	case d.State == events.FolderPoll:
		head.How = "watching by looking"
	}
	return head
}

// dropZone is where files are dropped, or why they cannot be.
func (u *UI) dropZone(c *call, w watchedFolder) (zone *dropZone, locked string) {
	switch {
	case !c.mayWrite():
		return nil, "You may look at the files and drop none: this session is of role viewer."
	case u.files == nil:
		return nil, "This server has no drives: files are put into the folder by others."
	}
	if err := c.who.Access().Check("folder", w.plan.InputDir); err != nil {
		return nil, "Files are put into the folder by others: your token does not reach it."
	}
	zone = &dropZone{JobID: w.job.ID, Job: w.job.Name, Folder: w.plan.InputDir.String()}
	watch := w.plan.Options.Watch
	if len(watch.Include) > 0 {
		zone.Hints = append(zone.Hints, "Only "+strings.Join(watch.Include, ", ")+" is run.")
	}
	if watch.Marker != "" {
		zone.Hints = append(zone.Hints, "Each file waits for its marker: report.pdf for "+watch.MarkerOf("report.pdf")+". Drop both.")
	}
	if w.job.Status == events.Disabled {
		zone.Hints = append(zone.Hints, "The job is disabled: what is dropped now waits until it is enabled.")
	}
	return zone, ""
}
