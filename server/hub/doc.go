// Package hub is signaling: rooms, presence, relay and fan-out, one copy for all
// engines. A [Hub] is an [engine.Handler] that speaks Phoenix Channels (package
// phoenix) on [Path]; it knows engines by their contract only, and nothing of how
// a process is configured or who may connect (that comes as an [Admission]).
//
// # What a peer can do
//
// A connection joins any number of rooms, up to Config.RoomsPerConn, by topics of
// the form "room:NAME" (Config.TopicPrefix). The payload of phx_join is an object:
//
//	user      string, whom the peer says it is
//	meta      anything, shown to others by presence
//	presence  false: take no part in presence
//	everyone  true: get one's own broadcasts, too
//	ack       false: no reply to what succeeds
//
// The reply's response is {"id": ID, "peers": N}, N with the joiner, and
// "presence":false where presence was wanted and the room has Config.PresenceLimit
// peers in it already. ID names the peer in this room until it leaves.
//
// The events offer, answer and candidate are relayed to the one peer of the room
// that the payload's "to" names, with "from" set to the sender's id. Any other
// event is a broadcast to everybody else in the room; an object as its payload
// gets "from". Events that begin with phx_ or presence_ are the server's own. A
// binary message is a broadcast to the members that speak version 2.
//
// What goes wrong is answered with status error and {"reason": ...}: the texts of
// [Refusal]. What has no ref to answer to, because it cannot be decoded, ends the
// connection with 1007. A message with the join_ref of an earlier join of its
// connection is dropped, as Phoenix does.
//
// # Order
//
// All members of a room get its broadcasts and presence in the same order, and
// those of one sender in the order in which it sent them. A member gets what is
// published between its join and its leave: nothing that was published before its
// join, even where that is still being delivered, and nothing any more once its
// leave is answered, even where it was published before; so of a room too large to
// be served at once, a leaving member may miss the last ones, never one in
// between. A relay is sent at once: it may overtake broadcasts that are still on
// their way, and one that crosses its receiver's leave may come behind it.
//
// A member whose outbox is full loses what Config's policies say. One that lost
// presence gets the whole presence_state as soon as it has room again.
//
// # Presence
//
// It is what phoenix.js's Presence expects: the key is the peer's id, an entry
// {"metas":[{"phx_ref":ID,"user":...,"meta":...}]}. A joiner gets presence_state
// with itself in it. The others get presence_diff, at once if there was none in
// the last Config.PresencePeriod, otherwise together with all that happens until
// it is over. Whoever joins in that time finds in the diff some joins that its
// state had already, itself among them; phoenix.js knows them by their phx_ref.
// Each join and each leave is in one diff only.
//
// # How it works
//
// A connection's state is a session with its first membership inside. A message
// goes from there to the room by pointers. Rooms are found by name in shards, at
// join and leave only. A peer's id has its place in the room in it, masked, so no
// index is needed to find it.
//
// Members stand in chunks of 64. A chunk's lock is held while its members are
// sent to, which is what makes a leave final, and by who joins and leaves in it.
// The room's lock guards everything else and is held for short, never while others
// are sent to; but who joins or leaves waits with it for the chunk's, so nobody
// waits in a handler for more than 64 sends of another.
//
// A broadcast is encoded once for each version and becomes a note in the room's
// queue. Branches of the room deliver notes: the common one on the hub's workers,
// and one for each event loop that its members call home (engine.Home), on that
// loop's thread. A branch delivers in parts and gives way to others between them.
// A note is gone when all branches have delivered it. When too much waits, a
// publisher is refused: the room is busy. The first 64 members are in the common
// branch, whatever their home, and if there is no other, the publisher delivers in
// its own call what no other publisher is delivering already.
//
// Locks are taken in the order room, chunk, connection, home; a shard's alone.
package hub
