package conns

import (
	"sync"
	"unsafe"
)

// A Task is work that needs more stack than the goroutine of a connection has.
type Task interface {
	// Run must not panic.
	Run()
}

// Aside runs t on another goroutine and returns when it is done.
//
// A goroutine starts with 2 KiB of stack, about half of which is its own. When
// that does not suffice it gets 4 KiB, and a collection gives them back only if
// less than a quarter is in use, the runtime's reserve of 800 B included: never,
// with what it takes to wait for a socket. So what is deep and rare (a timer, a
// pong of a library) is done on a stack that goes with it.
//
// Aside allocates nothing of its own: the allocator may be deep, too.
func Aside(t Task) {
	a := asides.Get().(*aside)
	a.task = t
	go a.run()
	<-a.done
	a.task = nil
	asides.Put(a)
}

// An aside carries a task to its goroutine. Asides are pooled with their
// function bound: go with a method would make a closure each time.
type aside struct {
	task Task
	run  func()
	done chan struct{}
}

var asides = sync.Pool{New: func() any {
	a := &aside{done: make(chan struct{})}
	a.run = func() {
		a.task.Run()
		a.done <- struct{}{}
	}
	return a
}}

// StackAddress returns an address in the caller's stack. As long as calls from
// one place in one goroutine return the same one, the stack has neither been
// moved nor, therefore, grown. A goroutine whose stack has grown can have its
// loop go on in a new one: see [Aside] for why it would not shrink.
//
//go:noinline
func StackAddress() uintptr {
	var local byte
	return uintptr(unsafe.Pointer(&local))
}
