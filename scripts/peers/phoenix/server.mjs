// A server of the project as a process that tests start, kill and hold.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const binary = process.env.SERVER;
if (!binary) throw new Error("SERVER does not name the server's binary");

export class Server {
  #engine;
  #args;
  #process;
  #said = "";
  address;

  // Without a port one that is free is taken.
  constructor(engine, { port = 0, args = [] } = {}) {
    this.#engine = engine;
    this.#args = args;
    this.address = `127.0.0.1:${port}`;
  }

  // url is the endpoint as phoenix.js wants it.
  get url() {
    return `ws://${this.address}/socket`;
  }

  // start returns once the server serves.
  async start() {
    const child = spawn(binary, ["--engine", this.#engine, "--listen", this.address, "--quiet", ...this.#args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text) => (this.#said += text));
    const ended = once(child, "exit").then(([code, signal]) => {
      throw new Error(`server ended with ${code ?? signal} before it served: ${this.#said}`);
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), ended]);
    ended.catch(() => {}); // from now on its end is expected
    this.address = JSON.parse(line).listen[0];
  }

  // signal sends a signal to a server that still runs.
  signal(name) {
    if (!this.#process.kill(name)) throw new Error(`server has ended: ${this.#said}`);
  }

  // kill ends it at once, as a crash does.
  async kill() {
    const ended = once(this.#process, "exit");
    this.signal("SIGKILL");
    await ended;
  }

  // stop ends it in order, and holds it to that.
  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
      throw new Error(`server ended by itself with ${this.#process.exitCode ?? this.#process.signalCode}: ${this.#said}`);
    }
    const ended = once(this.#process, "exit");
    this.signal("SIGTERM");
    this.signal("SIGCONT"); // it may have been held
    const [code, signal] = await ended;
    if (code !== 0) throw new Error(`server ended with ${code ?? signal}: ${this.#said}`);
  }
}
