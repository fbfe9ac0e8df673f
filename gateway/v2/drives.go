package v2

import (
	"net/http"
	"time"

	"spool.internal/gateway/wire"
)

// mappedDrive is a drive that lies in a folder of the host: of a flag, or of a job.
type mappedDrive struct {
	Path string     `json:"path"`
	Host string     `json:"host_folder"`
	From string     `json:"from"`               // who named it
	By   string     `json:"by,omitzero"`        // a job: of this user
	At   *time.Time `json:"recorded,omitempty"` // a job: when
}

// Who names the folder of a drive.
const (
	fromFlag = "flag" // --drive, of this gateway
	fromJob  = "job"  // the input of a job
)

// listDrives shows the drives that lie elsewhere than in the folder of all drives.
func (a *API) listDrives(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	all := []mappedDrive{}
	if a.Stages != nil {
		for _, m := range a.Stages.Mappings() {
			all = append(all, mappedDrive{Path: m.Path, Host: m.Host, From: fromFlag})
		}
	}
	recorded, err := a.Bus.Drives(r.Context())
	if err != nil {
		return err
	}
	for _, d := range recorded {
		all = append(all, mappedDrive{d.Path, d.Host, fromJob, d.By, &d.At})
	}
	wire.Write(w, http.StatusOK, struct {
		Drives []mappedDrive `json:"drives"`
	}{all})
	return nil
}
