package ui

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"text/template/parse"
)

// pageData is what each page shows, by its template. Some pages have two.
var pageData = map[string][]any{
	"again": {onceMore{}}, "broken": {broken{}}, "bulk": {bulkView{}}, "dead": {&deadView{}}, "deadbulk": {&deadBulkView{}},
	"editor": {&editor{}}, "filemark": {&markPage{}}, "files": {&filesPage{}}, "history": {&historyPage{}}, "job": {&jobPage{}},
	"jobs": {&jobsView{}}, "jobsbulk": {&jobsBulkView{}}, "live": {&livePage{}}, "login": {loginForm{}}, "overview": {&overview{}},
	"preview": {&preview{}}, "review": {&review{}}, "run": {&runView{}}, "runs": {&runsPage{}}, "sessions": {&sessions{}},
	"slots": {&slotsPage{}}, "subscribers": {&subscribers{}}, "system": {&systemPage{}}, "tokens": {&tokens{}}, "upcoming": {&upcomingView{}},
}

// TestTemplatesFindTheirFields follows the types through each template, also where no other
// test goes: what is not there is a page that fails when somebody asks for it. A method is not
// there for the engine that we take.
func TestTemplatesFindTheirFields(t *testing.T) {
	for page, of := range parseTemplates() { // others are rewritten when they are shown
		if page != partsOnly && pageData[page] == nil {
			t.Errorf("pageData does not say what page %q shows", page)
		}
		f := follower{t: t, trees: map[string]*parse.Tree{}, seen: map[string]bool{}}
		for _, each := range of.Templates() {
			f.trees[each.Name()] = each.Tree
		}
		f.template("layout", reflect.TypeFor[frame]())
		f.template("note", reflect.TypeFor[*Note]())
		for _, data := range pageData[page] {
			f.template("content", reflect.TypeOf(data))
		}
	}
}

// follower follows types through the trees of a page. The nil type is one that is not known.
type follower struct {
	t     *testing.T
	trees map[string]*parse.Tree
	seen  map[string]bool
	tree  *parse.Tree
	vars  []variable
}

type variable struct {
	name string
	of   reflect.Type
}

func (f *follower) template(name string, dot reflect.Type) {
	key := fmt.Sprint(name, " ", dot)
	if f.seen[key] || name == "content" && dot == nil {
		return
	}
	f.seen[key] = true
	g := follower{t: f.t, trees: f.trees, seen: f.seen, tree: f.trees[name], vars: []variable{{"$", dot}}}
	if g.tree == nil {
		f.t.Errorf("there is no template %q", name)
		return
	}
	g.node(g.tree.Root, dot)
}

func (f *follower) node(n parse.Node, dot reflect.Type) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, each := range n.Nodes {
				f.node(each, dot)
			}
		}
	case *parse.ActionNode:
		f.pipe(n.Pipe, dot)
	case *parse.TemplateNode:
		f.template(n.Name, f.pipe(n.Pipe, dot))
	case *parse.IfNode:
		f.branch(&n.BranchNode, dot, func(reflect.Type) reflect.Type { return dot })
	case *parse.WithNode:
		f.branch(&n.BranchNode, dot, func(of reflect.Type) reflect.Type { return of })
	case *parse.RangeNode:
		f.branch(&n.BranchNode, dot, element)
	}
}

func element(of reflect.Type) reflect.Type {
	if of = target(of); of != nil && slices.Contains([]reflect.Kind{reflect.Slice, reflect.Array, reflect.Map}, of.Kind()) {
		return of.Elem()
	}
	return of // a number
}

func target(of reflect.Type) reflect.Type {
	if of != nil && of.Kind() == reflect.Pointer {
		return of.Elem()
	}
	return of
}

func (f *follower) branch(n *parse.BranchNode, dot reflect.Type, inner func(reflect.Type) reflect.Type) {
	scope := len(f.vars)
	of := inner(f.pipe(n.Pipe, dot))
	if n.NodeType == parse.NodeRange && len(n.Pipe.Decl) > 0 {
		f.vars[len(f.vars)-1].of = of
	}
	f.node(n.List, of)
	f.node(n.ElseList, dot)
	f.vars = f.vars[:scope]
}

func (f *follower) pipe(p *parse.PipeNode, dot reflect.Type) (of reflect.Type) {
	if p == nil {
		return nil
	}
	for _, c := range p.Cmds {
		of = f.command(c, dot)
	}
	for _, d := range p.Decl {
		f.vars = append(f.vars, variable{d.Ident[0], of})
	}
	return of
}

func (f *follower) command(c *parse.CommandNode, dot reflect.Type) (of reflect.Type) {
	var args []reflect.Type
	for _, a := range c.Args {
		args = append(args, f.value(a, dot))
	}
	name, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return args[0]
	}
	if name.Ident == "and" || name.Ident == "or" {
		return args[len(args)-1]
	}
	if call := reflect.TypeOf(cmp.Or(methods[name.Ident], funcs[name.Ident])); call != nil {
		for i, arg := range args[1:] {
			if i < call.NumIn() && arg != nil && !arg.AssignableTo(call.In(i)) && !reflect.PointerTo(arg).AssignableTo(call.In(i)) {
				f.t.Errorf("%s: %s does not take %v", f.at(c), name.Ident, arg)
			}
		}
		return call.Out(0)
	}
	return nil
}

func (f *follower) at(n parse.Node) string {
	where, text := f.tree.ErrorContext(n)
	return where + ": " + text
}

func (f *follower) value(n parse.Node, dot reflect.Type) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return f.fields(n, dot, n.Ident)
	case *parse.ChainNode:
		return f.fields(n, f.value(n.Node, dot), n.Field)
	case *parse.PipeNode:
		return f.pipe(n, dot)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.VariableNode:
		for _, v := range slices.Backward(f.vars) {
			if v.name == n.Ident[0] {
				return f.fields(n, v.of, n.Ident[1:])
			}
		}
	}
	return nil
}

func (f *follower) fields(n parse.Node, of reflect.Type, names []string) reflect.Type {
	for _, name := range names {
		if of == reflect.TypeFor[any]() || of == nil {
			f.t.Errorf("%s: nobody knows whether there is a field %s", f.at(n), name)
			return nil
		}
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if m, ok := reflect.PointerTo(of).MethodByName(name); ok {
			f.t.Errorf("%s: %s is a method of %v: add it to methods", f.at(n), name, of)
			of = m.Type.Out(0)
			continue
		}
		if of.Kind() == reflect.Map {
			of = of.Elem()
			continue
		}
		if of.Kind() != reflect.Struct {
			f.t.Errorf("%s: %v has no field %s", f.at(n), of, name)
			return nil
		}
		field, ok := of.FieldByName(name)
		if !ok {
			f.t.Errorf("%s: %v has no field %s", f.at(n), of, name)
			return nil
		}
		of = field.Type
	}
	if of == reflect.TypeFor[any]() {
		return nil
	}
	return of
}
