// Command server is a WebSocket signaling server on an engine of one's choice:
// rooms by Phoenix Channels on /socket/websocket, channels on /channel/NAME, and an
// echo on /echo.
//
//	server --engine netpoll --listen 127.0.0.1:8080 --admin 127.0.0.1:8081
//	server token --secret-file FILE --user NAME
//	server conform --url ws://127.0.0.1:8080/echo
//	server engines
//	server bench upgrade
//
// When it is ready it writes one line of JSON to stdout, and from then on one
// line a second to stderr. SIGINT or SIGTERM drains it: clients get close 1001
// and some time to answer. A second signal ends it at once.
//
// The exit code is 0 if all went well (a clean drain, a green kit), 1 after an
// error, and 130 if it was interrupted before it was done.
package main
