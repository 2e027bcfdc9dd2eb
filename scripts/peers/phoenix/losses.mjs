// Servers that end, and servers that stand still.
import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, connect, Inbox, limit, room, until } from "./client.mjs";
import { Server } from "./server.mjs";

// member joins a room and counts how often that was let in.
async function member(s, topic) {
  const channel = s.channel(topic);
  const peer = { socket: s, channel, joins: 0, errors: 0, id: "" };
  channel.onError(() => peer.errors++);
  channel.join().receive("ok", ({ id }) => {
    peer.joins++;
    peer.id = id;
  });
  await until(() => peer.joins === 1);
  return peer;
}

// talk relays an offer from one to the other.
async function talk(a, b) {
  const inbox = Inbox.of(b.channel, "offer");
  assert.deepEqual(await answered(a.channel.push("offer", { to: b.id })), { status: "ok", response: {} });
  assert.deepEqual(await inbox.next(), ["offer", { to: b.id, from: a.id }]);
  b.channel.off("offer");
}

export default function losses(engine) {
  test("the server is killed and comes back", limit, async (t) => {
    const server = new Server(engine, { again: true });
    await server.start();
    t.after(() => server.stop());
    const topic = room();
    const a = await member(await connect(t, server), topic);
    const b = await member(await connect(t, server), topic);
    await talk(a, b);
    const ended = [a, b].map(({ socket }) => new Promise((resolve) => socket.onClose(resolve)));
    await server.kill();
    for (const event of await Promise.all(ended)) assert.equal(event.code, 1006);
    assert.ok(a.errors === 1 && b.errors === 1);
    await server.start();
    await until(() => a.joins === 2 && b.joins === 2);
    await talk(b, a);
  });

  test("the server ends in order and comes back", limit, async (t) => {
    const server = new Server(engine, { again: true });
    await server.start();
    t.after(() => server.stop());
    const a = await member(await connect(t, server), room());
    const ended = new Promise((resolve) => a.socket.onClose(resolve));
    await server.stop();
    assert.equal((await ended).code, 1001);
    await server.start();
    await until(() => a.joins === 2);
    assert.equal((await answered(a.channel.push("hello"))).status, "ok");
  });

  test("the server stands still for longer than a heartbeat", limit, async (t) => {
    const server = new Server(engine);
    await server.start();
    t.after(() => server.stop());
    const topic = room();
    const logged = [];
    const s = await connect(t, server, { heartbeatIntervalMs: 150, logger: (kind, text) => logged.push(`${kind}: ${text}`) });
    const a = await member(s, topic);
    server.signal("SIGSTOP");
    await until(() => logged.some((line) => line.includes("heartbeat timeout")));
    assert.equal(a.errors, 1);
    server.signal("SIGCONT");
    await until(() => a.joins === 2);
    const b = await member(await connect(t, server), topic);
    await talk(b, a);
  });
}
