// What the tests do with phoenix.js, as promises.
import { Socket } from "phoenix";
import WebSocket from "ws";

export const V1 = "1.0.0";
export const V2 = "2.0.0";

// serializer1 is what phoenix.js wrote and read before version 2 of the format,
// which it leaves to its user now. With join_ref false, as before 1.3.
function serializer1(joinRef) {
  return {
    encode({ topic, event, payload, ref, join_ref }, done) {
      done(JSON.stringify(joinRef ? { topic, event, payload, ref, join_ref } : { topic, event, payload, ref }));
    },
    decode(text, done) {
      done(JSON.parse(text));
    },
  };
}

// socket makes a socket that does not outlive the test t. It is not connected.
export function socket(t, server, { vsn = V2, joinRef = true, ...options } = {}) {
  const s = new Socket(server.url, {
    transport: WebSocket,
    vsn,
    ...(vsn === V1 ? serializer1(joinRef) : {}),
    reconnectAfterMs: () => 50,
    rejoinAfterMs: () => 50,
    ...options,
  });
  t.after(() => {
    const conn = s.conn;
    s.disconnect();
    conn?.terminate();
  });
  return s;
}

// connect makes a socket and returns it once it is open.
export async function connect(t, server, options) {
  const s = socket(t, server, options);
  const opened = new Promise((resolve) => s.onOpen(resolve));
  s.connect();
  await opened;
  return s;
}

// answered waits for what becomes of a push: its status and response.
export function answered(push) {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
}

// join joins a room and returns the channel, the peer's id and the whole response.
export async function join(s, topic, params = {}) {
  const channel = s.channel(topic, params);
  const { status, response } = await answered(channel.join());
  if (status !== "ok") throw new Error(`joining ${topic}: ${status} ${JSON.stringify(response)}`);
  return { channel, id: response.id, response };
}

// refusal joins what cannot be joined and returns the response.
export async function refusal(s, topic, params = {}) {
  const channel = s.channel(topic, params);
  const { status, response } = await answered(channel.join());
  channel.leave(); // or it would try again
  if (status !== "error") throw new Error(`joining ${topic}: ${status} ${JSON.stringify(response)}`);
  return response;
}

// leave leaves a room and returns once the server says so: phoenix.js says it to
// the push at once.
export async function leave({ channel }) {
  const s = channel.socket;
  let ref;
  const replied = new Promise((resolve) => {
    const handler = s.onMessage((message) => {
      if (message.event !== "phx_reply" || message.ref !== ref) return;
      s.off([handler]);
      resolve(message.payload);
    });
  });
  ref = channel.leave().ref;
  const { status, response } = await replied;
  if (status !== "ok") throw new Error(`leaving ${channel.topic}: ${status} ${JSON.stringify(response)}`);
}

// closed waits for the end of a channel.
export function closed(channel) {
  return new Promise((resolve) => channel.onClose(resolve));
}

// An Inbox keeps what comes until it is asked for.
export class Inbox {
  #kept = [];
  #waiting = [];

  // of collects events of a channel as [event, payload].
  static of(channel, ...events) {
    const inbox = new Inbox();
    for (const event of events) channel.on(event, (payload) => inbox.put([event, payload]));
    return inbox;
  }

  // messages collects all that a socket receives and that the filter lets in.
  static messages(s, filter) {
    const inbox = new Inbox();
    s.onMessage((message) => filter(message) && inbox.put(message));
    return inbox;
  }

  put(what) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(what);
    else this.#kept.push(what);
  }

  // next returns the oldest that was not asked for, once there is one.
  next() {
    if (this.#kept.length > 0) return Promise.resolve(this.#kept.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get empty() {
    return this.#kept.length === 0;
  }
}

// until waits for a condition that some event makes true.
export async function until(condition) {
  for (const end = Date.now() + 15_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`this did not come true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let rooms = 0;

// room returns the topic of a room that no other test has.
export function room() {
  return `room:${process.pid}-${++rooms}`;
}

// limit is how long a test may take before it has failed.
export const limit = { timeout: 20_000 };
