// An echo server on the npm package ws: a peer that is not ours.
//
//   node server.mjs --listen HOST:PORT
//
// It prints the same line as our server once it listens, and ends on SIGINT and
// SIGTERM.
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const name = "node-ws";
const fail = (why) => {
  console.error(`${name}: ${why}`);
  process.exit(1);
};

const { values } = (() => {
  try {
    return parseArgs({ options: { listen: { type: "string", default: "127.0.0.1:0" } } });
  } catch (err) {
    return fail(err.message);
  }
})();
const at = values.listen.match(/^\[?([^\]]+)\]?:(\d{1,5})$/) ?? fail(`--listen ${values.listen}: not HOST:PORT`);

const server = new WebSocketServer({
  host: at[1],
  port: Number(at[2]),
  path: "/echo",
  backlog: 4096,
  perMessageDeflate: false,
  maxPayload: 128 << 10,
});

server.on("connection", (peer) => {
  peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
  peer.on("error", () => {}); // ws has closed it with the code of the error
});

server.on("listening", () => {
  const { address, port, family } = server.address();
  const host = family === "IPv6" ? `[${address}]` : address;
  console.log(JSON.stringify({ pid: process.pid, engine: name, listen: [`${host}:${port}`] }));
});

server.on("error", (err) => fail(err.message));

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
