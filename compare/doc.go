// Compare measures WebSocket engines side by side and shows what can be
// believed of it.
//
//	compare run       start server and load generator for each engine and repetition (the default)
//	compare reproduce published figures beside measured ones, by name
//	compare report    tables and a page from results that are there
//	compare diff      what became better or worse between two results
//	compare peers     servers in other languages, and which of them are installed
//	compare doctor    what limits of this machine a number of connections runs into
//
// Exit codes: 0 all is VALID; 1 an error, bad input, or a regression in diff;
// 2 a result is INVALID; 130 interrupted, with what was measured kept.
package main
