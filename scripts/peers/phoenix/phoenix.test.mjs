// The rooms of the server, used by phoenix.js as it comes from npm: every engine,
// both versions of the serializer.
//
//   npm install && SERVER=path/to/server npm test
//
// ENGINES names the engines, by default all; PORT is the first of 60 ports for
// servers that need to know theirs before.
import { after, before, describe } from "node:test";

import { Server } from "./server.mjs";
import broadcasts from "./broadcasts.mjs";
import losses from "./losses.mjs";
import presence from "./presence.mjs";
import relays from "./relays.mjs";
import rooms from "./rooms.mjs";
import tokens from "./tokens.mjs";

const engines = (process.env.ENGINES ?? "gorilla,gorilla-lean,gobwas,netpoll,netpoll-tables").split(",");

for (const engine of engines) {
  describe(engine, { concurrency: true }, () => {
    const server = new Server(engine, { args: ["--conn-rooms", "3", "--room-presence", "3", "--room-peers", "5"] });
    before(() => server.start());
    after(() => server.stop());
    rooms(server);
    relays(server);
    broadcasts(server);
    presence(server);
    tokens(engine);
    losses(engine);
  });
}
