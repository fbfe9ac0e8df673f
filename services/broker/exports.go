package broker

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"

	"spool.internal/events/jet"
)

// export is what an account offers to others: a service, or the messages of a subject.
type export struct {
	subject string
	many    time.Duration // a service with several answers, of which the next comes within so long; 0 = one answer
	stream  bool
}

// homeExports are what Spool's own account offers. Who may use which part of it says the
// account of each role.
func homeExports() []export {
	all := []export{
		{subject: "$JS.API.DIRECT.GET.*", many: readAnswers},
		{subject: "$JS.API.CONSUMER.MSG.NEXT.*.*", many: pullAnswers},
	}
	for _, subject := range []string{
		"$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.STREAM.MSG.DELETE.*", "$JS.API.CONSUMER.INFO.*.*",
		"$JS.API.CONSUMER.LEADER.STEPDOWN.*.*",
		"$JS.ACK.>", "spool.>", jet.TokenKey("*"),
	} {
		all = append(all, export{subject: subject})
	}
	for _, subject := range jet.Hinted() {
		all = append(all, export{subject: hintPrefix + subject, stream: true})
	}
	return all
}

// claim is an export in the form of the keys of Spool's own server.
func (e export) claim() *jwt.Export {
	c := &jwt.Export{Name: e.subject, Subject: jwt.Subject(e.subject), Type: jwt.Service, ResponseType: jwt.ResponseTypeSingleton}
	switch {
	case e.stream:
		c.Name, c.Type, c.ResponseType = "export "+e.subject, jwt.Stream, ""
	case e.many > 0:
		c.ResponseType, c.ResponseThreshold = jwt.ResponseTypeStream, e.many
	}
	return c
}

// conf is an export in the form of a server's configuration.
func (e export) conf() string {
	switch {
	case e.stream:
		return fmt.Sprintf("{stream: %q}", e.subject)
	case e.many > 0:
		return fmt.Sprintf("{service: %q, response_type: stream, threshold: %q}", e.subject, e.many)
	default:
		return fmt.Sprintf("{service: %q}", e.subject)
	}
}
