//go:build faults && !unix

package faultpoint

func halt() { panic("this system has no SIGSTOP") }
