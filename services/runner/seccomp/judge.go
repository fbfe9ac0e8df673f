package seccomp

import "golang.org/x/net/bpf"

// What calls are asked for, in numbers that are the same on both architectures.
const (
	setID  = 0o6000     // modes: set-user-ID, set-group-ID
	device = 0o020000   // modes: the bit that both kinds of devices have, and no other node
	makes  = 0o20000100 // open: O_CREAT, __O_TMPFILE; without one of them the mode is not read

	newNamespace = 0x7e020000 // clone, unshare: CLONE_NEW*
	newTime      = 0x80       // unshare: CLONE_NEWTIME; in clone it is part of a signal's number
	sibling      = 0x8000     // clone: CLONE_PARENT, a process that does not descend from its maker

	afUnix, afInet, afInet6    = 1, 2, 10
	sockStream, sockDgram      = 1, 2
	sockSeqpacket              = 5
	sockFlags                  = 0o2004000 // SOCK_CLOEXEC, SOCK_NONBLOCK
	protoICMP, protoTCP        = 1, 6
	protoUDP, protoICMP6       = 17, 58
	fastOpen                   = 0x20000000 // send: MSG_FASTOPEN, which connects, too
	levelIP, levelIP6          = 0, 41
	levelTCP, tcpULP           = 6, 31                  // TCP_ULP, which can make a socket one of SMC, where Landlock's rules about ports do not hold
	ipOptions                  = 4                      // IP_OPTIONS, which may lead by way of other hosts
	ip6Packet, ip6Route        = 6, 57                  // IPV6_2292PKTOPTIONS, IPV6_RTHDR: likewise
	tiocSTI, tiocLinux, tiocCo = 0x5412, 0x541c, 0x541d // put words into a terminal, or take its output
)

func verdict(v uint32) code { return code{bpf.RetConstant{Val: v}} }

// low loads the half of an argument that the kernel reads of an int.
func low(arg int) bpf.Instruction {
	return bpf.LoadAbsolute{Off: uint32(atArgs + 8*arg), Size: 4}
}

func high(arg int) bpf.Instruction {
	return bpf.LoadAbsolute{Off: uint32(atArgs + 8*arg + 4), Size: 4}
}

// without refuses a call that has any of the bits.
func without(arg int, bits, refusal uint32) code {
	return code{
		low(arg),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: bits, SkipFalse: 1},
		bpf.RetConstant{Val: refusal},
		bpf.RetConstant{Val: allow},
	}
}

// withoutMode refuses an open that would make a file with any of the bits.
func withoutMode(flags, mode int, bits, refusal uint32) code {
	return append(code{
		low(flags),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: makes, SkipTrue: 1},
		bpf.RetConstant{Val: allow},
	}, without(mode, bits, refusal)...)
}

// onlyInt allows a call with one of these values of an int.
func onlyInt(arg int, refusal uint32, values ...uint32) code {
	return oneOf(code{low(arg)}, refusal, verdict(allow), values...)
}

// notInt refuses a call with one of these values of an int.
func notInt(arg int, refusal uint32, values ...uint32) code {
	return oneOf(code{low(arg)}, allow, verdict(refusal), values...)
}

// oneOf goes on to then when the accumulator is one of the values.
func oneOf(c code, otherwise uint32, then code, values ...uint32) code {
	for i, v := range values {
		c = append(c, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return append(append(c, bpf.RetConstant{Val: otherwise}), then...)
}

// onlyNil allows a call whose pointer is none.
func onlyNil(arg int, refusal uint32) code {
	return code{
		low(arg),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipFalse: 3},
		high(arg),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipFalse: 1},
		bpf.RetConstant{Val: allow},
		bpf.RetConstant{Val: refusal},
	}
}

// ofSelf allows a call for a process that is the caller: which must be kind, and who 0.
func ofSelf(kind, refusal uint32) code {
	return oneOf(code{low(0)}, refusal, onlyInt(1, refusal, 0), kind)
}

// tcp allows TCP over IPv4 and IPv6, and AF_UNIX where it is granted.
func tcp(unix bool) code {
	c := append(code{
		low(1),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffffffff &^ sockFlags},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: sockStream, SkipTrue: 1},
		bpf.RetConstant{Val: eacces},
	}, onlyInt(2, eprotonosupport, 0, protoTCP)...)
	return withUnix(unix, oneOf(code{low(0)}, eacces, c, afInet, afInet6))
}

// options refuses those that make a socket another kind of socket, and with direct those
// that have packets go by way of hosts that nobody has judged.
func options(direct bool) code {
	c := verdict(allow)
	of := func(level uint32, names ...uint32) {
		no := notInt(2, eperm, names...)
		c = append(append(code{bpf.JumpIf{Cond: bpf.JumpEqual, Val: level, SkipFalse: uint8(len(no))}}, no...), c...)
	}
	of(levelTCP, tcpULP)
	if direct {
		of(levelIP, ipOptions)
		of(levelIP6, ip6Packet, ip6Route)
	}
	return append(code{low(1)}, c...)
}

// socket allows TCP, UDP and ICMP over IPv4 and IPv6, and AF_UNIX where it is granted.
func socket(unix bool) code {
	stream := onlyInt(2, eprotonosupport, 0, protoTCP) // MPTCP, too, is a protocol of SOCK_STREAM
	dgram := onlyInt(2, eacces, 0, protoUDP, protoICMP, protoICMP6)
	c := code{
		low(1),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffffffff &^ sockFlags},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: sockStream, SkipFalse: uint8(len(stream))},
	}
	c = append(c, stream...)
	c = oneOf(c, eacces, dgram, sockDgram)
	return withUnix(unix, oneOf(code{low(0)}, eacces, c, afInet, afInet6))
}

func withUnix(granted bool, c code) code {
	if !granted {
		return c
	}
	return append(code{low(0), bpf.JumpIf{Cond: bpf.JumpEqual, Val: afUnix, SkipFalse: 1}, bpf.RetConstant{Val: allow}}, c...)
}

// socketpair allows what stays connected to its peer; one of datagrams can send to
// any address as long as it lives.
func socketpair(datagrams bool) code {
	kinds := []uint32{sockStream, sockSeqpacket}
	if datagrams {
		return onlyInt(0, eacces, afUnix)
	}
	kind := oneOf(code{low(1), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffffffff &^ sockFlags}}, eacces, verdict(allow), kinds...)
	return oneOf(code{low(0)}, eacces, kind, afUnix)
}
