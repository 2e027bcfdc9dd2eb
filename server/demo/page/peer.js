// A data channel to one peer. Offer, answer and candidates go through the room;
// what is said afterwards does not.
export class Peer {
  #ice = []; #channel;

  // signal(event, payload) sends through the server, changed() tells that state or
  // error is another, heard(text) what the peer says.
  constructor(id, { signal, changed, heard, servers, yields }) {
    Object.assign(this, { id, signal, changed, heard, yields, state: "signaling", error: "" });
    this.pc = new RTCPeerConnection({ iceServers: servers });
    this.pc.onicecandidate = ({ candidate }) => candidate && this.#send("candidate", { candidate });
    this.pc.onconnectionstatechange = () => {
      if (this.pc.connectionState === "failed") this.#fail("no path to this peer was found");
      else if (this.pc.connectionState === "connecting" && this.state === "signaling") this.#enter("connecting");
    };
    this.pc.ondatachannel = ({ channel }) => this.#use(channel);
  }

  async offer() {
    this.#use(this.pc.createDataChannel("chat"));
    await this.pc.setLocalDescription();
    await this.#send("offer", { description: this.pc.localDescription });
  }

  // take is for offer, answer and candidate of the peer. Of two offers that cross,
  // the one of the peer that yields is forgotten.
  async take(event, { description, candidate }) {
    try {
      if (event === "candidate") {
        if (this.pc.remoteDescription) await this.pc.addIceCandidate(candidate);
        else this.#ice.push(candidate);
        return;
      }
      if (event === "offer" && this.pc.signalingState !== "stable" && !this.yields) return;
      await this.pc.setRemoteDescription(description);
      for (const early of this.#ice.splice(0)) await this.pc.addIceCandidate(early);
      if (event === "offer") {
        await this.pc.setLocalDescription();
        await this.#send("answer", { description: this.pc.localDescription });
      }
    } catch (err) {
      this.#fail(err.message);
    }
  }

  say(text) { this.#channel.send(text); }

  close() { this.pc.close(); }

  #use(channel) {
    this.#channel = channel;
    channel.onopen = () => this.#enter("connected");
    channel.onclose = () => this.state !== "failed" && this.#enter("closed");
    channel.onmessage = ({ data }) => this.heard(data);
  }

  #send(event, payload) {
    return this.signal(event, { to: this.id, ...payload }).catch((err) => this.#fail(`${event}: ${err.message}`));
  }

  #fail(reason) { this.error = reason; this.#enter("failed"); }

  #enter(state) { this.state = state; this.changed(); }
}
