package pack_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"spool.internal/gateway/pack"
)

// texts are much alike: of some kinds, each with something of its own.
func texts(n int) (list [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		kind := fmt.Sprintf(`"kind":"%d","settings":{"tags":["team %d"],"list":[%s]}`, i%3, i%20, strings.Repeat(fmt.Sprint("7, ", i%3), i%3*40))
		list = append(list, fmt.Appendf(nil, `{"id":"%016x","name":"nightly %06d","again":"nightly %06d",%s}`, random.Uint64(), i, i, kind))
	}
	return list
}

// Every text comes back as it was, and takes less than half when others are like it.
func TestTextsComeBack(t *testing.T) {
	s := pack.New()
	all := texts(1000)
	packed := make([]string, len(all))
	whole, kept := 0, 0
	for i, text := range all {
		packed[i] = s.Pack(text)
		whole, kept = whole+len(text), kept+len(packed[i])
	}
	for i, text := range all {
		if got, err := s.Unpack(packed[i]); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%s came back as %s, %v", text, got, err)
		}
	}
	if kept*2 > whole {
		t.Errorf("%d bytes take %d", whole, kept)
	}
}

// Texts that have nothing in common, and such as are long, come back as well.
func TestTextsOfAllSizes(t *testing.T) {
	s := pack.New()
	random := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{0, 1, 3, 4, 5, 127, 128, 129, 1000, 8 << 10, 8<<10 + 1, 16<<10 - 1, 16 << 10, 1 << 20} {
		for _, letters := range []int{1, 2, 256} {
			text := make([]byte, size)
			for i := range text {
				text[i] = byte(random.IntN(letters))
			}
			packed := s.Pack(text)
			if got, err := s.Unpack(packed); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes of %d letters: %d came back, %v", size, letters, len(got), err)
			}
			if len(packed) > len(text)+len(text)/100+8 {
				t.Errorf("%d bytes of %d letters take %d", size, letters, len(packed))
			}
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	s := pack.New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, text := range texts(200) {
				if got, err := s.Unpack(s.Pack(text)); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%s came back as %s, %v", text, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzPack(f *testing.F) {
	f.Add([]byte("a text"), []byte("a text that follows"), "\x01\x80\x00\x00")
	f.Fuzz(func(t *testing.T, first, second []byte, foreign string) {
		s := pack.New()
		one, two := s.Pack(first), s.Pack(second)
		for packed, want := range map[string][]byte{one: first, two: second} {
			if got, err := s.Unpack(packed); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q came back as %q, %v", want, got, err)
			}
		}
		_, _ = s.Unpack(foreign) // gives something, or an error
	})
}

func BenchmarkPack(b *testing.B) {
	s := pack.New()
	all := texts(1000)
	b.Run("pack", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_ = s.Pack(all[i%len(all)])
		}
	})
	packed := make([]string, len(all))
	for i := range all {
		packed[i] = s.Pack(all[i])
	}
	b.Run("unpack", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, _ = s.Unpack(packed[i%len(all)])
		}
	})
}
