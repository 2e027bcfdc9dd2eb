// Package hongbao is the red envelopes of xiaojiaqi/10billionhongbaos as a handler:
// users log in and shake their phones, some find an envelope, some are told of a
// gift that they share with two others, and grab their part of it.
//
// # Rules
//
// As the author's server has them (server/server.go there): a shake is answered with
// an envelope if one waits, else with none, and with overload beyond so many shakes
// in one second. An envelope is for one shake. A gift is for three users drawn at
// random; each grabs, what one gets is drawn at random, and the last gets the rest.
// Both hold 0.10 to 3.09, in cents.
//
// Assumed, or other than there:
//
//   - Envelopes and gifts enter at a rate of their own while somebody shakes, and
//     nothing does otherwise; there an HTTP request starts so many of them.
//   - Users are told of a gift at once; there the notice is in the place of the reply
//     to somebody's next shake.
//   - A share is one cent at least, so that 0 says that there is none; there it may
//     be 0, and a grab that is too late is not answered at all.
//   - The shakes of a second are counted for its limit; there all packets are.
//
// # Money
//
// What has entered is always what was given and what waits, to the cent: [Stats] are
// read in one piece and say so. All of it is bounded: envelopes that nobody shakes
// for stop coming, and of gifts that nobody grabs the oldest is taken back.
//
// # Concurrency
//
// All methods are safe for concurrent use. A connection costs 24 B and, once logged
// in, 8 B more; there is no goroutine and no timer.
//
// The package must not know engines or flags; what is on the wire is in package
// packet.
package hongbao
