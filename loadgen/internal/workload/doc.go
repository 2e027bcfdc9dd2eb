// Package workload decides what connections do: dial in a ramp, stay idle, show
// in a pulse that they live, echo in an open or a closed loop, signal to one
// another in swarms, live and die in churn, come back after a storm, close in a
// teardown.
//
// All of them are [lane.Workload] values, one for each lane, and see a
// connection as a number that can be opened, spoken to and closed. What was sent
// and what came back is kept by one [Delivery] for each lane, for as long as the
// run lasts, because messages of one workload may arrive in the next.
//
// Open and closed loop are told apart throughout. In an open loop an operation
// has a due time, which the schedule alone decides, and response time runs from
// there: a server that stops for a while delays all operations that were due
// meanwhile, and all of them show it. In a closed loop an operation is sent
// because another was answered, so a server that stops also stops the load; its
// service times are no statement about response times, and none are reported.
//
// A message counts as sent when it is handed to its connection: to the socket's
// buffer or, if that is full, to the bounded backlog behind it, which is an
// extension of it. Service time starts just before that. Beyond the bound the
// operation is dropped, with its cause.
//
// The package must not know sockets.
package workload
