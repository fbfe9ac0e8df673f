package events

// Fields reads the body of a call: it takes typed values out of an [Object] and
// remembers the first fault, of code Invalid. A key whose value is null counts as
// absent. The parameters of a job have a reader of their own, [ReadParameters].
//
//	in := events.NewFields(body)
//	name, count := in.Text("name"), in.Number("count", 5, 1, 100)
//	if err := in.Err(); err != nil {
type Fields struct{ reader }

// NewFields reads an object.
func NewFields(o Object) *Fields { return &Fields{reader{o: o}} }

// NewBriefFields is [NewFields] for the v1 APIs, whose faults say what a value must be,
// and not what it is. The prefix is the path of the object with a dot at its end, or "".
func NewBriefFields(o Object, prefix string) *Fields {
	return &Fields{reader{o: o, prefix: prefix, brief: true}}
}

// Inner gives the object under a key of an object that [ParseObject] has read; empty
// when there is none.
func (o Object) Inner(key string) Object {
	raw, ok := o.Get(key)
	if !ok || raw[0] != '{' {
		return Object{}
	}
	inner, _ := splitObject(raw, key)
	return inner
}

// Err gives the first fault, or nil.
func (f *Fields) Err() error { return f.err() }

// Fail notes a fault of a key.
func (f *Fields) Fail(key, format string, args ...any) { f.fail(key, format, args...) }

// Given reports whether a key has a value.
func (f *Fields) Given(key string) bool {
	_, ok := f.o.Get(key)
	return ok
}

// Text gives a string, "" when it is absent.
func (f *Fields) Text(key string) string { return f.text(key) }

// Flag gives true or false, false when it is absent.
func (f *Fields) Flag(key string) bool { return f.boolean(key, false) }

// Number gives a whole number between bounds, otherwise when it is absent.
func (f *Fields) Number(key string, otherwise, low, high int) int {
	return f.integer(key, otherwise, low, high)
}

// Strings gives a list of strings: nil when it is absent, and never nil when it is there.
func (f *Fields) Strings(key string) []string {
	list := f.strings(key)
	if list == nil && f.Given(key) {
		list = []string{}
	}
	return list
}

// Object gives an object, nil when it is absent.
func (f *Fields) Object(key string) Object { return f.object(key, false).o }
