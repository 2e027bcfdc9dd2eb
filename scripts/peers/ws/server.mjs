// An echo server on the npm package ws: a peer that is not ours.
//
//   npm install && node server.mjs [PORT]
//
// It prints the same line as the other servers once it listens, and ends on
// SIGTERM.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  path: "/echo",
  backlog: 4096,
  perMessageDeflate: false,
  maxPayload: 128 << 10,
});

server.on("connection", (peer) => {
  peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
  peer.on("error", (err) => console.error(`ws: ${err.message}`));
});

server.on("listening", () => {
  const { address, port } = server.address();
  console.log(JSON.stringify({ pid: process.pid, engine: "ws", listen: [`${address}:${port}`] }));
});

server.on("error", (err) => {
  console.error(`ws: ${err.message}`);
  process.exit(1);
});

process.on("SIGTERM", () => process.exit(0));
