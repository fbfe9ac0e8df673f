package gateway_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"spool.internal/events"
)

// These types are what docs.html.tmpl shows.
type (
	docsPage struct {
		Info     *openapi3.Info
		Groups   []docsGroup
		Problems []docsResponse
		Schemas  []docsField
	}
	docsGroup struct {
		Name, Description string
		Operations        []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, Description, Curl string
		Parameters                                   []docsField
		Body                                         []docsContent
		Responses                                    []docsResponse
		Problems                                     []string // their statuses
	}
	docsField struct {
		Name, In, Description string
		Required              bool
		Schema                docsSchema
	}
	docsContent struct {
		Kind   string
		Schema docsSchema
	}
	docsResponse struct {
		Status, Description string
		Headers             []string
		Content             []docsContent
	}
	docsSchema struct {
		Ref, Type, Notes, Description string
		Properties                    []docsField
		Parts                         []docsSchema
	}
)

func describe(doc *openapi3.T) docsPage {
	page := docsPage{Info: doc.Info}
	for _, tag := range doc.Tags {
		group := docsGroup{Name: tag.Name, Description: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
			item := doc.Paths.Value(path)
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				if op := item.GetOperation(method); op != nil && op.Tags[0] == tag.Name {
					group.Operations = append(group.Operations, describeOperation(method, path, item, op))
				}
			}
		}
		page.Groups = append(page.Groups, group)
	}
	for status, name := range problems(doc) {
		page.Problems = append(page.Problems, docsResponse{Status: status, Description: *doc.Components.Responses[name].Value.Description})
	}
	slices.SortFunc(page.Problems, func(a, b docsResponse) int { return strings.Compare(a.Status, b.Status) })
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		page.Schemas = append(page.Schemas, docsField{Name: name, Schema: describeSchema(&openapi3.SchemaRef{Value: doc.Components.Schemas[name].Value})})
	}
	return page
}

// problems are the answers of the native API that are no success, by status: of several
// with one status the one that most calls have.
func problems(doc *openapi3.T) map[string]string {
	uses := map[string]map[string]int{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for status, r := range op.Responses.Map() {
				name := r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]
				if status < "4" || strings.HasPrefix(name, "V1") {
					continue
				}
				if uses[status] == nil {
					uses[status] = map[string]int{}
				}
				uses[status][name]++
			}
		}
	}
	names := map[string]string{}
	for status, used := range uses {
		for _, name := range slices.Sorted(maps.Keys(used)) {
			if used[name] > used[names[status]] {
				names[status] = name
			}
		}
	}
	return names
}

func describeOperation(method, path string, item *openapi3.PathItem, op *openapi3.Operation) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		d.Parameters = append(d.Parameters, docsField{
			Name: p.Value.Name, In: p.Value.In, Required: p.Value.Required, Description: p.Value.Description, Schema: describeSchema(p.Value.Schema),
		})
	}
	if op.RequestBody != nil {
		d.Body = describeContent(op.RequestBody.Value.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		if status >= "4" {
			d.Problems = append(d.Problems, status)
			continue
		}
		r := op.Responses.Value(status).Value
		d.Responses = append(d.Responses, docsResponse{
			Status: status, Description: *r.Description,
			Headers: slices.Sorted(maps.Keys(r.Headers)), Content: describeContent(r.Content),
		})
	}
	d.Curl = curl(method, path, op)
	return d
}

func describeContent(content openapi3.Content) (list []docsContent) {
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		list = append(list, docsContent{kind, describeSchema(content[kind].Schema)})
	}
	return list
}

func describeSchema(s *openapi3.SchemaRef) docsSchema {
	if s.Ref != "" {
		return docsSchema{Ref: s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]}
	}
	v := s.Value
	d := docsSchema{Description: v.Description, Type: strings.Join(v.Type.Slice(), " or ")}
	if v.Items != nil {
		d = describeSchema(v.Items)
		d.Type, d.Description = strings.TrimSpace("list of "+d.Type), strings.TrimSpace(v.Description+" "+d.Description)
	}
	var notes []string
	note := func(format string, value any) { notes = append(notes, fmt.Sprintf(format, value)) }
	if v.Format != "" {
		note("%s", v.Format)
	}
	if v.Const != nil {
		note("%v", v.Const)
	}
	for _, e := range v.Enum {
		note("%v", e)
	}
	if v.Min != nil {
		note("from %v", *v.Min)
	}
	if v.Max != nil {
		note("to %v", *v.Max)
	}
	if v.MaxLength != nil {
		note("at most %d bytes", *v.MaxLength)
	}
	if v.Default != nil {
		note("default %v", v.Default)
	}
	for _, e := range v.Examples {
		if _, ok := e.(string); !ok {
			e = string(events.Encode(e))
		}
		note("such as %v", e)
	}
	d.Notes = strings.TrimSpace(cmp.Or(strings.Join(notes, ", "), d.Notes))
	for _, name := range slices.Sorted(maps.Keys(v.Properties)) {
		d.Properties = append(d.Properties, docsField{
			Name: name, Required: slices.Contains(v.Required, name), Schema: describeSchema(v.Properties[name]),
		})
	}
	for _, part := range v.OneOf {
		d.Parts = append(d.Parts, describeSchema(part))
	}
	return d
}

// curl is a call that can be pasted into a shell.
func curl(method, path string, op *openapi3.Operation) string {
	var b strings.Builder
	b.WriteString("curl")
	switch {
	case method == http.MethodHead:
		b.WriteString(" --head")
	case method != http.MethodGet:
		b.WriteString(" -X " + method)
	}
	if op.OperationID == "streamEvents" {
		b.WriteString(" --no-buffer")
	}
	if op.Security == nil {
		b.WriteString(` -H "Authorization: Bearer $TOKEN"`)
	}
	if op.RequestBody != nil {
		if body := op.RequestBody.Value.Content.Get("application/json"); body != nil {
			fmt.Fprintf(&b, " \\\n  -d '%s'", events.Encode(example(body.Schema.Value)))
		} else {
			b.WriteString(" \\\n  -T document.pdf")
		}
	}
	path = strings.NewReplacer("{path}", "admin/repo/fs/Drive/in/document.pdf", "{", "$", "}", "").Replace(path)
	fmt.Fprintf(&b, " \\\n  \"$URL%s\"", path)
	return b.String()
}

// example is a value with what is required in it.
func example(s *openapi3.Schema) any {
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type.Includes("object"):
		o := map[string]any{}
		for name, p := range s.Properties {
			if slices.Contains(s.Required, name) || len(p.Value.Examples) > 0 {
				o[name] = example(p.Value)
			}
		}
		return o
	default:
		return "…"
	}
}
