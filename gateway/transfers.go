package gateway

import (
	"net/http"

	"github.com/gorilla/mux"

	"spool.internal/gateway/v2/files"
	"spool.internal/gateway/v2/stream"
)

// transfers adds what is not a call with an answer: files, streams of events,
// and the documentation.
func (g *Gateway) transfers(r *mux.Router) {
	if g.cfg.Drives != nil {
		g.files = files.New(files.Config{
			Drives: g.cfg.Drives, Token: tokenOf, MaxUpload: g.cfg.MaxUpload, Reserve: g.cfg.Reserve, Log: g.cfg.Log,
		})
		g.files.Routes(r)
	}
	g.events.Routes(r)
	serveDocuments(r)
}

func (g *Gateway) newEvents() *stream.Stream {
	return stream.New(stream.Config{
		Bus: g.cfg.Bus, Jobs: g.jobs, Token: tokenOf, Log: g.cfg.Log,
		Verify: func(r *http.Request) error {
			_, err := g.verify(exchangeOf(r))
			return err
		},
	})
}
