// Joining, leaving, and being refused.
import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, closed, connect, Inbox, join, leave, limit, refusal, room, V1, V2 } from "./client.mjs";

export default function rooms(server) {
  for (const options of [{ vsn: V2 }, { vsn: V1 }, { vsn: V1, joinRef: false }]) {
    const name = `vsn ${options.vsn}${options.joinRef === false ? " without join_ref" : ""}`;

    test(`${name}: join, leave, join again`, limit, async (t) => {
      const topic = room();
      const a = await join(await connect(t, server, options), topic);
      assert.equal(typeof a.id, "string");
      assert.ok(a.id);
      assert.equal(a.response.peers, 1);
      const socket = await connect(t, server, options);
      const b = await join(socket, topic);
      assert.equal(b.response.peers, 2);
      assert.notEqual(b.id, a.id);
      const left = closed(b.channel);
      b.channel.leave();
      await left;
      const again = await join(socket, topic);
      assert.equal(again.response.peers, 2);
      assert.notEqual(again.id, b.id);
    });

    test(`${name}: heartbeats are answered`, limit, async (t) => {
      const s = await connect(t, server, { ...options, heartbeatIntervalMs: 800 });
      const replies = Inbox.messages(s, ({ topic }) => topic === "phoenix");
      for (let i = 0; i < 2; i++) {
        const { event, payload } = await replies.next();
        assert.equal(event, "phx_reply");
        assert.deepEqual(payload, { status: "ok", response: {} });
      }
      await new Promise((resolve) => assert.ok(s.ping(resolve)));
    });

    test(`${name}: a topic that is no room`, limit, async (t) => {
      const s = await connect(t, server, options);
      assert.deepEqual(await refusal(s, "lobby"), { reason: "unmatched topic" });
      assert.deepEqual(await refusal(s, "rooms:1"), { reason: "unmatched topic" });
      assert.equal((await join(s, room())).response.peers, 1); // the connection lives on
    });

    test(`${name}: a push to a room that was not joined`, limit, async (t) => {
      const s = await connect(t, server, options);
      const replies = Inbox.messages(s, ({ event }) => event === "phx_reply");
      const topic = room();
      s.push({ topic, event: "hello", payload: {}, ref: "77" });
      const reply = await replies.next();
      assert.equal(reply.topic, topic);
      assert.equal(reply.ref, "77");
      assert.deepEqual(reply.payload, { status: "error", response: { reason: "unmatched topic" } });
    });
  }

  test("too many rooms", limit, async (t) => {
    const s = await connect(t, server);
    const first = await join(s, room());
    await join(s, room());
    await join(s, room());
    const topic = room();
    const { reason } = await refusal(s, topic);
    assert.match(reason, /rooms.*at most 3/);
    await leave(first);
    assert.equal((await join(s, topic)).response.peers, 1);
  });

  test("a full room", limit, async (t) => {
    const topic = room();
    for (let i = 1; i <= 5; i++) assert.equal((await join(await connect(t, server), topic)).response.peers, i);
    const { reason } = await refusal(await connect(t, server), topic);
    assert.match(reason, /full.*at most 5/);
  });

  test("a user that is no text", limit, async (t) => {
    const { reason } = await refusal(await connect(t, server), room(), { user: 7 });
    assert.match(reason, /user is not a string/);
  });

  test("a second channel of phoenix.js closes the first", limit, async (t) => {
    const s = await connect(t, server);
    const topic = room();
    const first = await join(s, topic);
    const gone = closed(first.channel);
    const second = await join(s, topic);
    await gone;
    assert.equal(second.response.peers, 1);
    assert.notEqual(second.id, first.id);
    assert.equal((await answered(second.channel.push("hello", {}))).status, "ok");
  });

  test("a second join on the wire closes the first", limit, async (t) => {
    const s = await connect(t, server);
    const topic = room();
    const first = await join(s, topic);
    const joinRef = first.channel.joinRef();
    const messages = Inbox.messages(s, ({ event }) => event === "phx_close" || event === "phx_reply");
    const gone = closed(first.channel);
    s.push({ topic, event: "phx_join", payload: {}, ref: "900", join_ref: "900" });
    const close = await messages.next();
    assert.deepEqual([close.event, close.topic, close.join_ref], ["phx_close", topic, joinRef]);
    await gone;
    const reply = await messages.next();
    assert.deepEqual([reply.event, reply.ref, reply.join_ref], ["phx_reply", "900", "900"]);
    assert.equal(reply.payload.response.peers, 1);
    // What still comes with the first join's ref is dropped, and the second's is not.
    s.push({ topic, event: "hello", payload: {}, ref: "901", join_ref: joinRef });
    s.push({ topic, event: "hello", payload: {}, ref: "902", join_ref: "900" });
    const answer = await messages.next();
    assert.deepEqual([answer.ref, answer.payload.status], ["902", "ok"]);
  });

  test("a message that is none", limit, async (t) => {
    for (const [vsn, text, reason] of [
      [V2, "hello", /^byte 0: an array expected/],
      [V2, '["1","1","room:a","phx_join"]', /^byte 28: fewer than five elements/],
      [V1, '{"topic":"room:a","event":"phx_join","ref":"1"}', /no payload/],
      [V1, '["1","1","room:a","phx_join",{}]', /^byte 0: an object expected/],
    ]) {
      const s = await connect(t, server, { vsn, reconnectAfterMs: () => 60_000 });
      const ended = new Promise((resolve) => s.onClose(resolve));
      s.conn.send(text);
      const event = await ended;
      assert.equal(event.code, 1007);
      assert.match(event.reason, reason);
    }
  });
}
