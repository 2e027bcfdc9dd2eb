// Package netpoll is an engine on easygo's epoll over raw descriptors: no
// goroutine and no buffer belongs to an idle connection.
//
// # How it works
//
// A few pollers, each one epoll instance with the goroutine that waits on it,
// share the connections. When a socket is readable its poller makes one recv(2)
// into a buffer that belongs to the poller, takes all complete frames out of it
// (package frame), calls the handler inline, and lets all replies leave in one
// send(2). Readiness is level-triggered, so what one read left behind comes
// back as the next event, after everybody else's: nobody is served twice before
// others are served once. A handler never blocks (that is its contract), so
// nothing else is needed: no worker pool, no re-arming, no second system call.
//
// What is incomplete is kept in pooled memory that exists only as long as it is
// incomplete: half an opening handshake, half a frame, a message in fragments,
// bytes that a slow peer has not taken. None of them holds a poller.
//
// # What an idle connection costs
//
// A conn of 64 B, the bound callback of 16 B, its entry in easygo's callback map
// (17 B and the map's slack: 20-39 B), and 12 B in the table that the sweeper
// walks: about 130 B, and one descriptor. As resident memory of the process, with
// what the allocator and the collector keep about objects, TestFootprint measures
// 150 to 170 B. Timeouts need no timers, see sweep.go.
//
// # Who may do what
//
// A poller owns its connections: it alone reads, parses, calls the handler and
// closes a descriptor. Everybody else (Send, Close, the sweeper, drain) holds the
// connection's mutex, writes without blocking or queues, and to end a connection
// shuts the socket down, which wakes its poller to do it. So a descriptor number
// that the kernel has given away again is never touched: a callback is bound to
// its conn, the descriptor leaves epoll and the table before it is closed, and
// whoever uses it otherwise sees under the mutex that the conn is dead.
//
// Locks are taken in the order listener, conn, then table or epoll.
//
// # More connections than a descriptor table holds
//
// With Config.Tables each poller is locked to a thread that has left the common
// descriptor table (unshare(2), CLONE_FILES) and keeps what it accepts in its own,
// so one process holds a multiple of its limit of descriptors. Only that thread
// can call on these descriptors. Everybody else queues what is to be sent and asks
// for the rest by mail (mail.go): the connection in a list, and a write to
// an eventfd that is in all tables. So a Send from elsewhere never meets the kernel
// itself: what it queues counts against Config.Outbox until the poller has come by.
// Sends on the poller's own thread, which are those of a handler's call to the
// connections of the same poller and those of a job ([engine.Home]), leave as ever.
// Whoever has one message for many connections posts a job to each poller, and each
// delivery is a send(2); posting is an append, and for the first job of a collection
// the write to the eventfd.
//
// A collection does the jobs that it finds. What they post comes in the next one,
// after an epoll_wait: so between two parts of a job its poller serves every
// connection that has something.
//
// # The lesson beside it
//
// [DescEntry] is the same engine built the way in which the package was first
// made known, with netpoll.Desc, one-shot events and a pool of workers that read
// with blocking reads. It is kept to be compared with; see desc.go.
package netpoll
