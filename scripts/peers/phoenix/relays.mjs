// Offers, answers and candidates: to one peer, with the sender's id.
import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, connect, Inbox, join, leave, limit, room, V1, V2 } from "./client.mjs";

const sdp = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=\u{1F600} \"quoted\" \\ \u2028\r\n";

export default function relays(server) {
  for (const [from, to] of [[V2, V2], [V2, V1], [V1, V2], [V1, V1]]) {
    test(`relay from vsn ${from} to vsn ${to}`, limit, async (t) => {
      const topic = room();
      const a = await join(await connect(t, server, { vsn: from }), topic);
      const b = await join(await connect(t, server, { vsn: to }), topic);
      const c = await join(await connect(t, server), topic);
      const events = ["offer", "answer", "candidate", "after"];
      const [atA, atB, atC] = [a, b, c].map(({ channel }) => Inbox.of(channel, ...events));

      const offer = { to: b.id, type: "offer", sdp, nested: { to: "x", from: ["y"] } };
      assert.deepEqual(await answered(a.channel.push("offer", offer)), { status: "ok", response: {} });
      assert.deepEqual(await atB.next(), ["offer", { ...offer, from: a.id }]);

      const answer = { type: "answer", sdp, to: a.id };
      assert.equal((await answered(b.channel.push("answer", answer))).status, "ok");
      assert.deepEqual(await atA.next(), ["answer", { ...answer, from: b.id }]);

      const candidate = { candidate: "candidate:1 1 udp 2122260223 10.0.0.1 5000 typ host", sdpMLineIndex: 0, from: c.id, to: b.id };
      assert.equal((await answered(a.channel.push("candidate", candidate))).status, "ok");
      assert.deepEqual(await atB.next(), ["candidate", { ...candidate, from: a.id }]);

      // The third peer got none of them, and a peer may send to itself.
      assert.equal((await answered(c.channel.push("candidate", { to: c.id }))).status, "ok");
      assert.deepEqual(await atC.next(), ["candidate", { to: c.id, from: c.id }]);
      await answered(c.channel.push("after", {}));
      assert.deepEqual(await atA.next(), ["after", { from: c.id }]);
      assert.deepEqual(await atB.next(), ["after", { from: c.id }]);
      assert.ok(atC.empty);
    });
  }

  test("relay to nobody", limit, async (t) => {
    const topic = room();
    const s = await connect(t, server);
    const a = await join(s, topic);
    const elsewhere = await join(s, room());
    const error = async (event, payload) => {
      const { status, response } = await answered(a.channel.push(event, payload));
      assert.equal(status, "error");
      return response;
    };
    assert.deepEqual(await error("offer", { to: "nobody" }), { reason: "unknown peer", to: "nobody" });
    assert.deepEqual(await error("offer", { to: 'no"body\n' }), { reason: "unknown peer", to: 'no"body\n' });
    assert.deepEqual(await error("answer", { to: elsewhere.id }), { reason: "unknown peer", to: elsewhere.id });
    assert.deepEqual(await error("candidate", { sdpMid: "0" }), { reason: "to is missing" });
    assert.deepEqual(await error("candidate", { to: null }), { reason: "to is missing" });
    assert.ok((await error("candidate", { to: 5 })).reason);

    const b = await join(await connect(t, server), topic);
    assert.equal((await answered(a.channel.push("offer", { to: b.id }))).status, "ok");
    await leave(b);
    assert.deepEqual(await error("offer", { to: b.id }), { reason: "unknown peer", to: b.id });
  });
}
