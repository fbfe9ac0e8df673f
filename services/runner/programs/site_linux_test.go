package programs

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner"
)

const (
	theDrive  = "ann/office/fs/Drive"
	theSecret = "the secret of the dispatcher"
	patience  = 5 * time.Minute // before a run that does not end fails its test
)

func TestMain(m *testing.M) {
	runner.Shim()
	os.Exit(m.Run())
}

// station is what all runners of the suite share.
type station struct {
	bus  *jet.Bus
	keys *jet.Keyring
}

func newStation(t *testing.T) *station {
	t.Helper()
	bus := eventstest.Bus(t)
	s := &station{bus: bus, keys: jet.NewKeyring(bus)}
	eventstest.Background(t, s.keys.Run)
	return s
}

// site is where one program runs: a drive and a runner of its own, which grants what
// one profile does.
type site struct {
	t      *testing.T
	bus    *jet.Bus
	pool   string
	folder string // of the drive, on this host
	data   string
	url    string
	runs   int
}

func (s *station) site(t *testing.T, name, grant string) *site {
	t.Helper()
	base := t.TempDir()
	drives, err := drive.New(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := &site{t: t, bus: s.bus, pool: name, folder: filepath.Join(base, theDrive), data: t.TempDir()}
	cfg := runner.Config{
		Bus: s.bus, Keys: s.keys, Drives: drives, DataDir: at.data, Pool: name, Workers: 1, Secret: theSecret,
		Sandbox: runner.SandboxRequired, FlowUser: *flowUser, Log: eventstest.Log(t),
	}
	if grant != "" {
		cfg.Profiles = []string{"it: owners *; " + grant}
	}
	r, err := runner.New(cfg)
	if why, is := errors.AsType[*events.Error](err); is && why.Code == events.Unavailable {
		t.Skipf("NOT SHOWN: flows are not shut in as a whole here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	router := mux.NewRouter()
	r.Routes(router)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	at.url = server.URL
	eventstest.Background(t, r.Run)
	return at
}

// write puts a file into the drive.
func (s *site) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

// run runs the file "flow" on the folder "in", as a job of ann's does that names the
// profiles, and gives how it ended, with all that it has printed.
func (s *site) run(output, profiles string) (ended events.RunEvent, printed string) {
	s.t.Helper()
	s.runs++
	job := s.pool + "-" + output
	body := events.Encode(map[string]any{
		"binary_path": theDrive + "/flow", "input_dir": theDrive + "/in", "settings": map[string]any{"output_dir": theDrive + "/" + output},
	})
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+events.RunBinaryPath, strings.NewReader(string(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range map[string]string{
		events.HeaderKey: job, events.HeaderDispatcher: theSecret, events.HeaderJobID: job, events.HeaderOwner: "ann", events.HeaderRole: "operator",
		events.HeaderProfiles: profiles, "Authorization": "Bearer x",
	} {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer events.RunAnswer
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != events.OK {
		s.t.Fatalf("not accepted: %+v, %v", answer, err)
	}
	id := answer.Data.JobID
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		ev, seq, err := s.bus.RunEvent(s.t.Context(), events.Ended, job, id)
		if err == nil && seq > 0 {
			began, _, err := s.bus.RunEvent(s.t.Context(), events.Started, job, id)
			if err == nil && len(began.Unmet) > 0 {
				s.t.Skipf("NOT SHOWN: on this host flows go without %s", strings.Join(began.Unmet, ", "))
			}
			log, _ := os.ReadFile(filepath.Join(s.data, "runs", id, "run.log"))
			return ev, string(log)
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the run does not end: %v", err)
		}
	}
}
