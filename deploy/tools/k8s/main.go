// Command k8s checks Kubernetes manifests without a cluster: it renders each kustomization as kubectl
// apply -k does, decodes every object strictly into the type that it names (an unknown field, a field
// given twice or a wrong type is a fault), and looks at what no type demands.
//
//	k8s FOLDER…
package main

import (
	"errors"
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	failed := false
	for _, dir := range os.Args[1:] {
		n, err := check(dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", dir, err)
			failed = true
			continue
		}
		fmt.Printf("  %s: %d objects\n", dir, n)
	}
	if failed || len(os.Args) < 2 {
		os.Exit(1)
	}
}

// check renders a folder and judges what comes of it.
func check(dir string) (int, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return 0, err
	}
	seen := &objects{names: map[string]bool{}}
	var faults []error
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return 0, err
		}
		if err := seen.add(text); err != nil {
			faults = append(faults, fmt.Errorf("%s %s: %w", r.GetKind(), r.GetName(), err))
		}
	}
	return rendered.Size(), errors.Join(append(faults, seen.judge())...)
}
