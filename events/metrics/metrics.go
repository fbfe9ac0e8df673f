// Package metrics registers the metrics of a service.
//
// Each service keeps its collectors in one list, registers them once in its New,
// and runs without metrics where nobody gave it a registry:
//
//	err := metrics.Register(cfg.Metrics, "the watcher", m.all...)
//
// The types of a metrics library are parameters, so that package events depends on none.
package metrics

import (
	"errors"
	"fmt"
)

// Registry is where collectors of type C are registered, such as a prometheus.Registerer.
type Registry[C any] interface{ Register(C) error }

// Register adds the collectors of a service to r; a nil r takes none. The error names the
// service and holds every collector that was refused: one that is registered already, mostly.
func Register[C any](r Registry[C], service string, all ...C) error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, r.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("metrics of %s: %w", service, err)
	}
	return nil
}
