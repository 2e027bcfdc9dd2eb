// Package demo is a page that shows what a signaling server is for: two of it in
// the same room find each other by presence, set up a WebRTC data channel by offer,
// answer and candidates through the server, and talk over it.
//
// The page is made of its embedded files alone and asks nobody but its own server
// and the WebSocket listener beside it. The package must not know how rooms work.
package demo
