// Who may connect, and what to.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { test } from "node:test";
import { Presence } from "phoenix";

import { connect, join, limit, refusal, room, socket, until } from "./client.mjs";
import { Server } from "./server.mjs";

// sign makes a JSON Web Token with HMAC and SHA-256.
function sign(secret, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

// turnedAway connects and returns what phoenix.js hears of the refusal.
async function turnedAway(t, server, params) {
  const s = socket(t, server, { params, reconnectAfterMs: () => 60_000 });
  const failed = new Promise((resolve, reject) => {
    s.onError(resolve);
    s.onOpen(() => reject(new Error("it was let in")));
  });
  s.connect();
  return (await failed).message;
}

export default function tokens(engine) {
  test("tokens", limit, async (t) => {
    const folder = await mkdtemp(path(tmpdir(), "signalbench-token-"));
    t.after(() => rm(folder, { recursive: true }));
    const secret = randomBytes(32).toString("base64");
    await writeFile(path(folder, "secret"), `${secret}\n`);
    const server = new Server(engine, { args: ["--token-secret-file", path(folder, "secret")] });
    await server.start();
    t.after(() => server.stop());
    const soon = Math.floor(Date.now() / 1000) + 60;

    assert.match(await turnedAway(t, server, {}), /401/);
    assert.match(await turnedAway(t, server, { token: "x" }), /401/);
    assert.match(await turnedAway(t, server, { token: sign("another secret", { sub: "ann", exp: soon }) }), /401/);
    assert.match(await turnedAway(t, server, { token: sign(secret, { sub: "ann", exp: soon - 120 }) }), /401/);

    const one = room();
    const s = await connect(t, server, { params: { token: sign(secret, { sub: "ann", exp: soon, rooms: [one, "room:team-*"] }) } });
    const channel = s.channel(one, { user: "somebody else" });
    const presence = new Presence(channel);
    channel.join();
    await until(() => presence.list().length === 1);
    assert.equal(presence.list()[0].metas[0].user, "ann");
    assert.equal((await join(s, "room:team-7")).response.peers, 1);
    assert.deepEqual(await refusal(s, room()), { reason: "unauthorized" });
  });
}
