package main

import (
	"errors"
	"fmt"
	"slices"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// objects are those of one kustomization.
type objects struct {
	names    map[string]bool // kind/name
	pods     []pod
	services []core.Service
	budgets  []policy.PodDisruptionBudget
	sets     []apps.StatefulSet
}

// pod is a template, and what makes pods of it.
type pod struct {
	of       string
	template core.PodTemplateSpec
	claims   []core.PersistentVolumeClaim
	lives    bool // until it is stopped
}

// add decodes an object into its type.
func (o *objects) add(text []byte) error {
	var head meta.TypeMeta
	if err := yaml.Unmarshal(text, &head); err != nil {
		return err
	}
	into, known := map[string]any{
		"apps/v1/StatefulSet": &apps.StatefulSet{}, "apps/v1/Deployment": &apps.Deployment{}, "batch/v1/Job": &batch.Job{},
		"v1/Service": &core.Service{}, "v1/PersistentVolumeClaim": &core.PersistentVolumeClaim{},
		"policy/v1/PodDisruptionBudget": &policy.PodDisruptionBudget{}, "networking.k8s.io/v1/NetworkPolicy": &networking.NetworkPolicy{},
	}[head.APIVersion+"/"+head.Kind]
	if !known {
		return fmt.Errorf("%s %s is not among the types that are checked here", head.APIVersion, head.Kind)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return err
	}
	name := into.(meta.Object).GetName()
	if id := head.Kind + "/" + name; name == "" || o.names[id] {
		return fmt.Errorf("%s is there twice, or has no name", id)
	} else {
		o.names[id] = true
	}
	switch into := into.(type) {
	case *apps.StatefulSet:
		o.sets = append(o.sets, *into)
		o.pods = append(o.pods, pod{name, into.Spec.Template, into.Spec.VolumeClaimTemplates, true})
	case *apps.Deployment:
		o.pods = append(o.pods, pod{name, into.Spec.Template, nil, true})
	case *batch.Job:
		o.pods = append(o.pods, pod{name, into.Spec.Template, nil, false})
	case *core.Service:
		o.services = append(o.services, *into)
	case *policy.PodDisruptionBudget:
		o.budgets = append(o.budgets, *into)
	}
	return nil
}

// judge looks at what holds the objects together, and at what has cost others their data.
func (o *objects) judge() error {
	var faults []error
	fault := func(of, format string, args ...any) { faults = append(faults, fmt.Errorf(of+": "+format, args...)) }
	for _, p := range o.pods {
		faults = append(faults, p.judge()...)
	}
	for _, s := range o.sets {
		if s.Spec.PodManagementPolicy != apps.ParallelPodManagement {
			fault(s.Name, "podManagementPolicy is not Parallel: the first would wait for a quorum that needs the second")
		}
		if !o.names["Service/"+s.Spec.ServiceName] {
			fault(s.Name, "there is no Service %s", s.Spec.ServiceName)
		}
	}
	for _, s := range o.services {
		if s.Spec.ClusterIP == core.ClusterIPNone && !s.Spec.PublishNotReadyAddresses {
			fault(s.Name, "has no publishNotReadyAddresses: machines that are not ready yet could not meet")
		}
		if !slices.ContainsFunc(o.pods, func(p pod) bool { return within(s.Spec.Selector, p.template.Labels) }) {
			fault(s.Name, "selects no pod")
		}
	}
	for _, b := range o.budgets {
		if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() != 1 {
			fault(b.Name, "maxUnavailable is not 1")
		}
		if !slices.ContainsFunc(o.pods, func(p pod) bool { return within(b.Spec.Selector.MatchLabels, p.template.Labels) }) {
			fault(b.Name, "selects no pod")
		}
	}
	return errors.Join(faults...)
}

func (p pod) judge() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(p.of+": "+format, args...)) }
	spec := p.template.Spec
	volumes := map[string]bool{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range p.claims {
		volumes[c.Name] = true
	}
	if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		fault("runs as root, or has no seccompProfile")
	}
	for _, c := range spec.Containers {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				fault("mounts %s, which is no volume of it", m.Name)
			}
		}
		if s := c.SecurityContext; s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
			fault("%s keeps privileges that it does not need", c.Name)
		}
		if !p.lives {
			continue
		}
		for what, probe := range map[string]struct {
			is   *core.Probe
			path string
		}{"startup": {c.StartupProbe, "/readyz"}, "readiness": {c.ReadinessProbe, "/readyz"}, "liveness": {c.LivenessProbe, "/healthz"}} {
			if probe.is == nil || probe.is.HTTPGet == nil || probe.is.HTTPGet.Path != probe.path {
				fault("the %s probe does not ask %s", what, probe.path)
			} else if !slices.ContainsFunc(c.Ports, func(port core.ContainerPort) bool { return port.Name == probe.is.HTTPGet.Port.String() }) {
				fault("the %s probe asks a port that the container does not have", what)
			}
		}
	}
	return faults
}

// within says whether all labels of a selector are among others.
func within(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}
