package peers

// registry is all peers. scripts/peers.sh has an installer for each.
var registry = []Peer{
	cowboy,
	cowboyHibernate,
	nodeWS,
	libwebsockets,
	cFloor,
}
