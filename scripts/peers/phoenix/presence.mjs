// Presence as phoenix.js keeps it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "phoenix";

import { answered, connect, join, leave, limit, room, until, V1, V2 } from "./client.mjs";

// watch joins a room with a Presence that was there from the beginning.
async function watch(s, topic, params = {}) {
  const channel = s.channel(topic, params);
  const presence = new Presence(channel);
  const seen = { joined: [], left: [], syncs: 0 };
  presence.onJoin((id, current, added) => seen.joined.push([id, current === undefined, added.metas.length]));
  presence.onLeave((id, current, gone) => seen.left.push([id, current.metas.length, gone.metas.length]));
  presence.onSync(() => seen.syncs++);
  const { status, response } = await answered(channel.join());
  assert.equal(status, "ok");
  return { channel, presence, seen, id: response.id, response, ids: () => Object.keys(presence.state).sort() };
}

const both = (...peers) => peers.map(({ id }) => id).sort();

export default function presences(server) {
  for (const vsn of [V2, V1]) {
    test(`vsn ${vsn}: presence of joins, leaves and losses`, limit, async (t) => {
      const topic = room();
      const a = await watch(await connect(t, server, { vsn }), topic, { user: "ann", meta: { color: "red", n: [1] } });
      await until(() => a.seen.syncs === 1);
      assert.deepEqual(a.ids(), [a.id]);
      const [meta] = a.presence.state[a.id].metas;
      assert.equal(meta.user, "ann");
      assert.deepEqual(meta.meta, { color: "red", n: [1] });
      assert.equal(typeof meta.phx_ref, "string");

      const lost = await connect(t, server, { vsn, reconnectAfterMs: () => 60_000 });
      const b = await watch(lost, topic, { user: 'b"\u00f6b' });
      const c = await watch(await connect(t, server), topic);
      await until(() => [a, b, c].every((peer) => peer.ids().length === 3));
      for (const peer of [a, b, c]) assert.deepEqual(peer.ids(), both(a, b, c));
      assert.equal(a.presence.state[b.id].metas[0].user, 'b"\u00f6b');
      assert.deepEqual(c.presence.state[a.id].metas[0].meta, { color: "red", n: [1] });
      assert.ok(!("user" in a.presence.state[c.id].metas[0]));
      for (const other of [b, c]) {
        assert.equal(a.seen.joined.filter(([id, isNew]) => id === other.id && isNew).length, 1);
      }

      // A leave in order.
      await leave(c);
      await until(() => a.seen.left.length === 1);
      assert.deepEqual(a.seen.left, [[c.id, 0, 1]]);
      await until(() => b.ids().length === 2);
      assert.deepEqual(b.ids(), both(a, b));

      // A connection that is lost: no leave, no close frame.
      lost.conn.terminate();
      await until(() => a.seen.left.length === 2);
      assert.deepEqual(a.seen.left[1], [b.id, 0, 1]);
      assert.deepEqual(a.ids(), [a.id]);

      // Each was told of once.
      assert.equal(new Set(a.seen.joined.map(([id]) => id)).size, 3);
    });
  }

  test("who takes no part in presence", limit, async (t) => {
    const topic = room();
    const a = await watch(await connect(t, server), topic);
    const s = await connect(t, server);
    let told = 0;
    s.onMessage(({ event }) => (told += event.startsWith("presence_")));
    const quiet = await join(s, topic, { presence: false });
    assert.ok(!("presence" in quiet.response));
    assert.equal(quiet.response.peers, 2);
    const b = await watch(await connect(t, server), topic);
    await until(() => a.ids().length === 2 && b.ids().length === 2);
    assert.deepEqual(b.ids(), both(a, b));
    await leave(b);
    await until(() => a.ids().length === 1);
    await answered(quiet.channel.push("chat", {}));
    assert.equal(told, 0);
  });

  test("more peers than presence has room for", limit, async (t) => {
    const topic = room();
    const peers = [];
    for (let i = 0; i < 3; i++) peers.push(await watch(await connect(t, server), topic));
    const fourth = await watch(await connect(t, server), topic);
    assert.equal(fourth.response.presence, false);
    assert.equal(fourth.response.peers, 4);
    await until(() => peers.every((peer) => peer.ids().length === 3));
    assert.deepEqual(peers[0].ids(), both(...peers));
    // It is in the room for everything else.
    let heard = 0;
    fourth.channel.on("chat", () => heard++);
    assert.equal((await answered(peers[0].channel.push("chat", {}))).status, "ok");
    await until(() => heard === 1);
    assert.equal(fourth.seen.syncs, 0);
    // A place that becomes free is given to who comes next.
    await leave(peers[2]);
    const fifth = await watch(await connect(t, server), topic);
    await until(() => peers[0].ids().includes(fifth.id) && !peers[0].ids().includes(peers[2].id));
    assert.deepEqual(peers[0].ids(), both(peers[0], peers[1], fifth));
  });

  test("a rejoin is a leave and a join", limit, async (t) => {
    const topic = room();
    const a = await watch(await connect(t, server), topic);
    const s = await connect(t, server);
    const b = await watch(s, topic);
    await until(() => a.ids().length === 2);
    s.conn.terminate(); // and phoenix.js comes back by itself
    await until(() => a.seen.left.some(([id]) => id === b.id) && a.ids().length === 2);
    const [now] = a.ids().filter((id) => id !== a.id);
    assert.notEqual(now, b.id);
    await until(() => b.ids().includes(now) && b.ids().length === 2);
  });
}
