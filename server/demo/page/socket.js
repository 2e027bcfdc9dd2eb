// A client of Phoenix Channels, version 2 of the serializer, as small as this page
// needs it: messages are [join_ref, ref, topic, event, payload].
export class Socket {
  #ws; #ref = 0; #joined = null; #waiting = new Map(); #beat;

  // on is called with (event, payload) for what comes in the joined topic, and
  // with ("socket", "open" | reason) when the connection begins or ends.
  constructor(url, on) {
    this.on = on;
    this.#ws = new WebSocket(url);
    this.#ws.onopen = () => {
      this.#beat = setInterval(() => this.#push(null, "phoenix", "heartbeat", {}), 30_000);
      on("socket", "open");
    };
    this.#ws.onmessage = ({ data }) => this.#take(...JSON.parse(data));
    this.#ws.onclose = ({ code, reason }) => {
      clearInterval(this.#beat);
      for (const { reject } of this.#waiting.values()) reject(new Error("connection lost"));
      this.#waiting.clear();
      on("socket", reason || `closed with code ${code}`);
    };
  }

  // join and push resolve to the response and reject with the server's reason.
  join(topic, payload) {
    this.topic = topic;
    this.#joined = String(this.#ref + 1);
    return this.#push(this.#joined, topic, "phx_join", payload);
  }

  push(event, payload) { return this.#push(this.#joined, this.topic, event, payload); }

  close() { this.#ws.close(1000); }

  #push(joined, topic, event, payload) {
    const ref = String(++this.#ref);
    return new Promise((resolve, reject) => {
      if (this.#ws.readyState !== WebSocket.OPEN) return reject(new Error("connection lost"));
      this.#waiting.set(ref, { resolve, reject });
      this.#ws.send(JSON.stringify([joined, ref, topic, event, payload]));
    });
  }

  #take(joined, ref, topic, event, payload) {
    if (event !== "phx_reply") {
      if (topic === this.topic) this.on(event, payload);
      return;
    }
    const waiting = this.#waiting.get(ref);
    this.#waiting.delete(ref);
    if (payload.status === "ok") waiting?.resolve(payload.response);
    else waiting?.reject(new Error(payload.response.reason));
  }
}
