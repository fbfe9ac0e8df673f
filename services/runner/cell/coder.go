package cell

// coder puts values into a message or takes them out of one, in the same order.
type coder struct {
	buf    []byte
	taking bool
	bad    bool // there was less than expected
}

func (c *coder) num(n *int) {
	if !c.taking {
		for i := range 8 {
			c.buf = append(c.buf, byte(*n>>(8*i)))
		}
		return
	}
	*n = 0
	if len(c.buf) < 8 {
		c.bad = true
		return
	}
	for i := range 8 {
		*n |= int(c.buf[i]) << (8 * i)
	}
	c.buf = c.buf[8:]
}

func (c *coder) flag(b *bool) {
	n := 0
	if *b {
		n = 1
	}
	c.num(&n)
	*b = n == 1
}

func (c *coder) text(s *string) {
	n := len(*s)
	c.num(&n)
	if !c.taking {
		c.buf = append(c.buf, *s...)
		return
	}
	if n < 0 || n > len(c.buf) {
		c.bad, n = true, 0
	}
	*s, c.buf = string(c.buf[:n]), c.buf[n:]
}

// list codes the length of a list and then each element.
func list[T any](c *coder, all *[]T, each func(*T)) {
	n := len(*all)
	c.num(&n)
	if c.taking {
		if n < 0 || n > len(c.buf) {
			c.bad, n = true, 0
		}
		*all = make([]T, n)
	}
	for i := range *all {
		each(&(*all)[i])
	}
}

func (c *coder) texts(all *[]string) { list(c, all, c.text) }
