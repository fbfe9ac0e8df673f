package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"spool.internal/events"
	"spool.internal/events/jet"
)

const (
	asyncAPIFile = "../../../deploy/asyncapi.yaml"
	asyncAPIURL  = "file:///asyncapi.yaml"
)

// asyncAPI is deploy/asyncapi.yaml as far as the tests read it.
type asyncAPI struct {
	document any // as JSON
	mu       sync.Mutex
	compiler *jsonschema.Compiler // one at a time compiles

	Version    string                  `json:"asyncapi"`
	Channels   map[string]asyncChannel `json:"channels"`
	Operations map[string]struct {
		Action  string
		Channel asyncRef
		Reply   struct{ Channel asyncRef }
	} `json:"operations"`
	Components struct {
		Messages map[string]asyncMessage   `json:"messages"`
		Schemas  map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

type asyncRef struct {
	To string `json:"$ref"`
}

type asyncChannel struct {
	Address    *string
	Parameters map[string]any
	Messages   map[string]asyncRef
	Stream     struct{ Name string } `json:"x-stream"`
}

type asyncMessage struct {
	Headers, Payload asyncRef
	Examples         []struct {
		Headers map[string]any
		Payload any
	}
}

func readAsyncAPI(t testing.TB) *asyncAPI {
	t.Helper()
	text, err := os.ReadFile(asyncAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := yaml.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	a := &asyncAPI{compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, a); err != nil {
		t.Fatal(err)
	}
	if a.document, err = jsonschema.UnmarshalJSON(strings.NewReader(string(text))); err != nil {
		t.Fatal(err)
	}
	a.compiler.DefaultDraft(jsonschema.Draft2020)
	a.compiler.AssertFormat()
	if err := a.compiler.AddResource(asyncAPIURL, a.document); err != nil {
		t.Fatal(err)
	}
	return a
}

// fits says what is wrong with a value that should be as the schema at a reference says.
func (a *asyncAPI) fits(ref asyncRef, value any) error {
	a.mu.Lock()
	schema, err := a.compiler.Compile(asyncAPIURL + ref.To)
	a.mu.Unlock()
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	value, err = jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// message finds the one message of a channel.
func (a *asyncAPI) message(c asyncChannel) asyncMessage {
	for _, ref := range c.Messages {
		return a.Components.Messages[strings.TrimPrefix(ref.To, "#/components/messages/")]
	}
	return asyncMessage{}
}

// channel finds the channel that a subject belongs to.
func (a *asyncAPI) channel(subject string) string {
	for name, c := range a.Channels {
		if c.Address == nil || strings.Count(*c.Address, ".") != strings.Count(subject, ".") {
			continue
		}
		tokens, fits := strings.Split(subject, "."), true
		for i, part := range strings.Split(*c.Address, ".") {
			fits = fits && (part == tokens[i] || part[0] == '{' && c.takes(part[1:len(part)-1], tokens[i]))
		}
		if fits {
			return name
		}
	}
	return ""
}

// takes reports whether a parameter of the address may have a value.
func (c asyncChannel) takes(parameter, value string) bool {
	p, _ := c.Parameters[parameter].(map[string]any)
	values, limited := p["enum"].([]any)
	return p != nil && (!limited || slices.Contains(values, any(value)))
}

// TestEventsAreDescribed holds the description to the types of Go: each field of what
// is published is in its schema and no other, with its type, and each constant of a
// named type among the values of its property.
func TestEventsAreDescribed(t *testing.T) {
	t.Parallel()
	a := readAsyncAPI(t)
	described := map[string]bool{}
	for _, v := range []any{events.JobEvent{}, events.Result{}, events.RunEvent{}, events.DeadLetter{}} {
		a.describes(t, reflect.TypeOf(v), constants(t), described)
	}
	if len(described) < 15 {
		t.Errorf("only %d types were compared", len(described))
	}
	for name := range a.Components.Schemas {
		if !described[name] && !strings.HasSuffix(name, "Headers") && !slices.Contains([]string{"AskForARun", "Triggered", "Problem"}, name) {
			t.Errorf("the schema %s is of nothing that is published", name)
		}
	}
}

// describes compares a struct, and those in it, with the schema of its name.
func (a *asyncAPI) describes(t *testing.T, typ reflect.Type, values map[string][]string, done map[string]bool) {
	t.Helper()
	if done[typ.Name()] {
		return
	}
	done[typ.Name()] = true
	schema := a.Components.Schemas[typ.Name()]
	properties, _ := schema["properties"].(map[string]any)
	required := map[string]bool{}
	listed, _ := schema["required"].([]any)
	for _, name := range listed {
		required[name.(string)] = true
	}
	left := maps.Clone(properties)
	for f := range fieldsOf(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		property, ok := properties[name].(map[string]any)
		if delete(left, name); !ok {
			t.Errorf("%s.%s is published and not described", typ.Name(), name)
			continue
		}
		if always := !strings.HasPrefix(options, "omit"); always != required[name] {
			t.Errorf("%s.%s: required is %v", typ.Name(), name, !always)
		}
		a.describesField(t, typ.Name()+"."+name, f.Type, property, values, done)
	}
	for name := range left {
		t.Errorf("%s.%s is described and not published", typ.Name(), name)
	}
}

func (a *asyncAPI) describesField(t *testing.T, name string, typ reflect.Type, property map[string]any, values map[string][]string, done map[string]bool) {
	t.Helper()
	if all, ok := property["allOf"].([]any); ok {
		property = all[0].(map[string]any)
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer",
		reflect.Bool: "boolean", reflect.Slice: "array", reflect.Map: "object",
	}[typ.Kind()]
	switch {
	case typ == reflect.TypeFor[json.RawMessage]():
		want = ""
	case typ == reflect.TypeFor[time.Time]():
		want = "string"
		if property["format"] != "date-time" {
			t.Errorf("%s is a time, and described without its format", name)
		}
	case typ.Kind() == reflect.Struct:
		if property["$ref"] != "#/components/schemas/"+typ.Name() {
			t.Errorf("%s refers to %v, not to %s", name, property["$ref"], typ.Name())
		}
		a.describes(t, typ, values, done)
		return
	case typ.Kind() == reflect.Slice:
		items, _ := property["items"].(map[string]any)
		a.describesField(t, name+"[]", typ.Elem(), items, values, done)
	case typ.Kind() == reflect.Map:
		items, _ := property["additionalProperties"].(map[string]any)
		a.describesField(t, name+"{}", typ.Elem(), items, values, done)
	case typ.PkgPath() == reflect.TypeFor[events.Job]().PkgPath() && typ.Kind() == reflect.String:
		enum, _ := property["enum"].([]any)
		for _, v := range values[typ.Name()] {
			if !slices.Contains(enum, any(v)) {
				t.Errorf("%s can be %q, and that is not among its values", name, v)
			}
		}
	}
	if got, _ := property["type"].(string); got != want {
		t.Errorf("%s has the type %q, and is %q", name, got, want)
	}
}

// fieldsOf yields the fields of a struct, those that are embedded in the place of
// their struct.
func fieldsOf(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(typ) {
			if !f.Anonymous && !yield(f) {
				return
			}
		}
	}
}

// constants gives the strings that are declared of each named type of events.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../../../events/*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			typ, named := spec.Type.(*ast.Ident)
			value, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && value.Kind == token.STRING {
				all[typ.Name] = append(all[typ.Name], strings.Trim(value.Value, `"`))
			}
			return true
		})
	}
	return all
}

// TestChannelsAreThoseOfSubscribers: every stream that a subscriber may read is
// described, with subjects that it keeps; and the document holds together.
func TestChannelsAreThoseOfSubscribers(t *testing.T) {
	t.Parallel()
	a := readAsyncAPI(t)
	if a.Version != "3.0.0" {
		t.Errorf("asyncapi is %q", a.Version)
	}
	read := map[string]bool{}
	for name, c := range a.Channels {
		if c.Stream.Name == "" {
			continue
		}
		read[c.Stream.Name] = true
		if kept := jet.StreamOf(strings.NewReplacer("{", "", "}", "").Replace(*c.Address)); kept != c.Stream.Name {
			t.Errorf("channel %s: %s is kept by %s, not %s", name, *c.Address, kept, c.Stream.Name)
		}
	}
	for _, stream := range jet.Streams() {
		if _, err := jet.NewSubscriber(events.Subscriber{Name: "x", Stream: stream}); (err == nil) != read[stream] {
			t.Errorf("subscribers may read %s: %v; described: %v", stream, err == nil, read[stream])
		}
	}
	if c := a.Channels["trigger"]; c.Address == nil || *c.Address != jet.AskTrigger {
		t.Errorf("runs are asked for at %s", jet.AskTrigger)
	}
	for name, o := range a.Operations {
		if _, ok := a.Channels[strings.TrimPrefix(o.Channel.To, "#/channels/")]; !ok || o.Action != "send" && o.Action != "receive" {
			t.Errorf("operation %s: %q of the channel %q", name, o.Action, o.Channel.To)
		}
	}
	for name, m := range a.Components.Messages {
		for i, example := range m.Examples {
			if err := a.fits(m.Payload, example.Payload); err != nil {
				t.Errorf("example %d of %s: %v", i, name, err)
			}
			if example.Headers == nil {
				continue
			}
			if err := a.fits(m.Headers, example.Headers); err != nil {
				t.Errorf("headers of example %d of %s: %v", i, name, err)
			}
			if example.Headers["ce-type"] != nil {
				isCloudEvent(t, fmt.Sprintf("example %d of %s", i, name), example.Headers, example.Payload)
			}
		}
	}
}

// isCloudEvent has the headers and the body of an event read by the library of CloudEvents.
func isCloudEvent(t testing.TB, what string, headers map[string]any, body any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(string(events.Encode(body))))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if text, ok := value.(string); ok && name != "ce-datacontenttype" {
			req.Header.Set(name, text)
		}
	}
	req.Header.Set("Content-Type", fmt.Sprint(headers["ce-datacontenttype"])) // so it is called in HTTP
	ev, err := readCloudEvent(req)
	if err == nil {
		err = ev.Validate()
	}
	if err != nil {
		t.Errorf("%s is no CloudEvent: %v", what, err)
	}
}
