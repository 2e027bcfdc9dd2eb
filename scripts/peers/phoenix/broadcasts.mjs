// Any other event: to everybody else in the room.
import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, connect, Inbox, join, leave, limit, room, V1, V2 } from "./client.mjs";

export default function broadcasts(server) {
  test("broadcast to both versions", limit, async (t) => {
    const topic = room();
    const a = await join(await connect(t, server), topic);
    const b = await join(await connect(t, server), topic, { everyone: true });
    const c = await join(await connect(t, server, { vsn: V1 }), topic);
    const [atA, atB, atC] = [a, b, c].map(({ channel }) => Inbox.of(channel, "chat", "list"));

    assert.deepEqual(await answered(a.channel.push("chat", { text: "hello \u{1F44B}" })), { status: "ok", response: {} });
    assert.deepEqual(await atB.next(), ["chat", { text: "hello \u{1F44B}", from: a.id }]);
    assert.deepEqual(await atC.next(), ["chat", { text: "hello \u{1F44B}", from: a.id }]);

    // One that asked for it gets its own.
    assert.equal((await answered(b.channel.push("chat", { from: "somebody else" }))).status, "ok");
    for (const inbox of [atA, atB, atC]) assert.deepEqual(await inbox.next(), ["chat", { from: b.id }]);

    // What is no object goes as it is.
    assert.equal((await answered(c.channel.push("list", [1, "two", null]))).status, "ok");
    for (const inbox of [atA, atB]) assert.deepEqual(await inbox.next(), ["list", [1, "two", null]]);
    assert.ok(atC.empty);
  });

  test("binary broadcast to version 2 alone", limit, async (t) => {
    const topic = room();
    const a = await join(await connect(t, server), topic);
    const b = await join(await connect(t, server), topic, { everyone: true });
    const old = await join(await connect(t, server, { vsn: V1 }), topic);
    const [atA, atB, atOld] = [a, b, old].map(({ channel }) => Inbox.of(channel, "file", "after"));
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);

    for (const sender of [a, b]) assert.equal((await answered(sender.channel.push("file", bytes.buffer))).status, "ok");
    for (const times of [1, 2]) {
      const [event, payload] = await atB.next();
      assert.equal(event, "file", `${times}`);
      assert.deepEqual(new Uint8Array(payload), bytes);
    }
    assert.deepEqual(new Uint8Array((await atA.next())[1]), bytes);
    await answered(b.channel.push("after", {}));
    assert.deepEqual(await atOld.next(), ["after", { from: b.id }]); // and nothing before
    assert.deepEqual(await atA.next(), ["after", { from: b.id }]);
  });

  for (const vsn of [V2, V1]) {
    test(`vsn ${vsn}: who wants no replies gets errors alone`, limit, async (t) => {
      const topic = room();
      const a = await join(await connect(t, server, { vsn }), topic, { ack: false });
      const b = await join(await connect(t, server), topic);
      const atB = Inbox.of(b.channel, "chat");
      assert.deepEqual(await answered(a.channel.push("chat", { n: 1 }, 100)), { status: "timeout", response: {} });
      assert.deepEqual(await atB.next(), ["chat", { n: 1, from: a.id }]);
      assert.deepEqual(await answered(a.channel.push("offer", {})), { status: "error", response: { reason: "to is missing" } });
    });
  }

  test("what a peer has left it does not hear", limit, async (t) => {
    const topic = room();
    const s = await connect(t, server);
    const a = await join(await connect(t, server), topic);
    const b = await join(s, topic);
    const other = await join(s, room(), { everyone: true });
    const heard = Inbox.messages(s, ({ event }) => event === "chat" || event === "after");
    await leave(b);
    assert.equal((await answered(a.channel.push("chat", {}))).status, "ok");
    await answered(other.channel.push("after", {}));
    assert.equal((await heard.next()).event, "after");
  });
}
