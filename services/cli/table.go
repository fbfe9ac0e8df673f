package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"spool.internal/events/spelling"
)

// column is a column of a table: its name, and what stands in it.
type column[T any] struct {
	name string
	text func(T) string
}

// table says how a list of things is shown.
type table[T any] struct {
	columns []column[T]
	shown   int            // how many of them without --columns, from the first; 0 = all
	name    func(T) string // for -o name: what other commands call it by
	empty   string         // what a person reads when there is none
}

// wordless is what stands where there is no value and no word for that.
const wordless = "-"

// plain makes a table of anything, so that what shows tables is compiled once and not for each T.
func (t table[T]) plain() table[any] {
	p := table[any]{shown: t.shown, empty: t.empty}
	if t.name != nil {
		p.name = func(v any) string { return t.name(v.(T)) }
	}
	for _, c := range t.columns {
		p.columns = append(p.columns, column[any]{c.name, func(v any) string { return c.text(v.(T)) }})
	}
	return p
}

// choose returns the columns that are to be shown.
func choose(t table[any], names []string) (chosen []column[any], err error) {
	if len(names) == 0 {
		if t.shown > 0 {
			return t.columns[:t.shown], nil
		}
		return t.columns, nil
	}
	var all []string
	for _, c := range t.columns {
		all = append(all, c.name)
	}
	for _, name := range names {
		at := slices.Index(all, strings.ToLower(strings.TrimSpace(name)))
		if at < 0 {
			text := fmt.Sprintf("columns: there is no column %q", name)
			if like := spelling.Nearest(name, all); like != "" {
				text += fmt.Sprintf(": did you mean %q?", like)
			}
			return nil, misused("%s; all are %s", text, strings.Join(all, ","))
		}
		chosen = append(chosen, t.columns[at])
	}
	return chosen, nil
}

// list prints a list, in the form that was asked for. rows may be read again, for --watch.
func list[T any](s *session, t table[T], rows iter.Seq2[row[T], error]) error {
	return s.list(t.plain(), func(yield func(row[any], error) bool) {
		for one, err := range rows {
			if !yield(row[any]{raw: one.raw, value: one.value}, err) {
				return
			}
		}
	})
}

func (s *session) list(t table[any], rows iter.Seq2[row[any], error]) error {
	p := s.out
	chosen, err := choose(t, p.columns)
	switch {
	case err != nil:
		return err
	case p.watch:
		return watchList(s, t, rows)
	case p.form == "json" || p.form == "yaml":
		return listData(p, rows)
	case p.form == "name":
		for one, err := range rows {
			if err == nil {
				err = p.line("%s", clean(t.name(one.value)))
			}
			if err != nil {
				return err
			}
		}
		return nil
	default:
		return p.table(heading(t, chosen), cellsOf(rows, chosen), s.err)
	}
}

// head is what a table needs to know beside its rows.
type head struct {
	names []string
	empty string
}

func heading(t table[any], chosen []column[any]) head {
	h := head{empty: t.empty}
	for _, c := range chosen {
		h.names = append(h.names, strings.ToUpper(strings.ReplaceAll(c.name, "_", " ")))
	}
	return h
}

// cellsOf makes cells of rows.
func cellsOf(rows iter.Seq2[row[any], error], chosen []column[any]) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for one, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			cells := make([]string, len(chosen))
			for i, c := range chosen {
				if cells[i] = clean(c.text(one.value)); cells[i] == "" {
					cells[i] = wordless
				}
			}
			if !yield(cells, nil) {
				return
			}
		}
	}
}

// listData prints rows as one array, while they come.
func listData(p *printer, rows iter.Seq2[row[any], error]) error {
	if p.form == "yaml" {
		all := []json.RawMessage{}
		for one, err := range rows {
			if err != nil {
				return err
			}
			all = append(all, one.raw)
		}
		return p.data(encode(all))
	}
	begun := false
	for one, err := range rows {
		if err != nil {
			return err
		}
		before := ",\n  "
		if !begun {
			before, begun = "[\n  ", true
		}
		text, err := indented(one.raw)
		if err == nil {
			_, err = fmt.Fprintf(p.w, "%s%s", before, cleanJSON(text))
		}
		if err != nil {
			return err
		}
	}
	if !begun {
		_, err := io.WriteString(p.w, "[]\n")
		return err
	}
	_, err := io.WriteString(p.w, "\n]\n")
	return err
}

// table prints cells: aligned on a terminal, with tabs in between when piped.
func (p *printer) table(h head, rows iter.Seq2[[]string, error], notes io.Writer) error {
	if !p.terminal {
		return p.tabs(h, rows)
	}
	lines := [][]string{}
	if !p.noHeader {
		lines = append(lines, h.names)
	}
	some := false
	var fault error
	for cells, err := range rows {
		if fault = err; err != nil {
			break
		}
		some = true
		lines = append(lines, cells)
	}
	if fault == nil && !some {
		_, err := fmt.Fprintln(notes, h.empty)
		return err
	}
	if some {
		fault = errors.Join(p.aligned(lines), fault)
	}
	return fault
}

// tabs prints the heading with the first row, or where there is none; not before a fault.
func (p *printer) tabs(h head, rows iter.Seq2[[]string, error]) error {
	line := func(cells []string) error {
		_, err := fmt.Fprintln(p.w, strings.Join(cells, "\t"))
		return err
	}
	begun := p.noHeader
	for cells, err := range rows {
		if err == nil && !begun {
			err, begun = line(h.names), true
		}
		if err == nil {
			err = line(cells)
		}
		if err != nil {
			return err
		}
	}
	if !begun {
		return line(h.names)
	}
	return nil
}

// aligned prints lines of cells under each other. A last cell that does not fit is cut.
func (p *printer) aligned(lines [][]string) error {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	screen := p.width()
	var b strings.Builder
	for n, cells := range lines {
		used := 0
		for i, cell := range cells {
			if i == len(cells)-1 {
				if room := screen - used; screen > 0 && room > 8 && utf8.RuneCountInString(cell) > room {
					cell = string([]rune(cell)[:room-1]) + "…"
				}
				b.WriteString(p.painted(cell, n == 0 && !p.noHeader))
				break
			}
			b.WriteString(p.painted(cell, n == 0 && !p.noHeader))
			b.WriteString(strings.Repeat(" ", widths[i]+2-utf8.RuneCountInString(cell)))
			used += widths[i] + 2
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}
