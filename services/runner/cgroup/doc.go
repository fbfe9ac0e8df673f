// In:  -
// Out: -
//
// Package cgroup bounds the memory and the processor time of flows by control groups of
// Linux (version 2).
//
// [Memory] and [Processor] find the part of the tree that was delegated to this process, or
// say why there is none. From what they return, [Groups.New] makes the group of one flow;
// [Group.In] has a process start in it, and [Group.Close] removes it when the flow is gone.
//
// Nothing here starts a goroutine. Groups that a killed runner left are removed when the next
// one opens the tree. Other systems have no groups: limits of each process take their place.
package cgroup
