// A server of the project as a process that tests start, kill and hold.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const binary = process.env.SERVER;
if (!binary) throw new Error("SERVER does not name the server's binary");

// kinds are what is no engine of its own. One process with several descriptor
// tables has an event loop and a port for each: members of one room are then on
// loops that reach their own connections alone. It takes a low limit to have them.
const kinds = {
  "netpoll-tables": { engine: "netpoll", descriptors: 400, args: ["--shards", "auto", "--conns", "600"] },
};

// ports are given out in blocks, for servers with several.
const block = 4;
let port = Number(process.env.PORT ?? 23100);

export class Server {
  #command;
  #process;
  #said = "";
  #listen = [];
  #asked = 0;
  #several;

  // A server that is started again is found at the same address then.
  constructor(name, { again = false, args = [] } = {}) {
    const kind = kinds[name] ?? { engine: name, args: [] };
    let address = "127.0.0.1:0";
    if (again || kind.descriptors) {
      address = `127.0.0.1:${port}`;
      port += block;
    }
    this.#command = [binary, "--engine", kind.engine, "--listen", address, "--quiet", ...kind.args, ...args];
    this.#several = kind.descriptors !== undefined;
    if (this.#several) this.#command.unshift("sh", "-c", `ulimit -n ${kind.descriptors} && exec "$@"`, "-");
  }

  // url is the endpoint as phoenix.js wants it, each time at the next port.
  get url() {
    return `ws://${this.#listen[this.#asked++ % this.#listen.length]}/socket`;
  }

  // start returns once the server serves.
  async start() {
    const child = spawn(this.#command[0], this.#command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text) => (this.#said += text));
    const ended = once(child, "exit").then(([code, signal]) => {
      throw new Error(`server ended with ${code ?? signal} before it served: ${this.#said}`);
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), ended]);
    ended.catch(() => {}); // from now on its end is expected
    this.#listen = JSON.parse(line).listen;
    if (this.#several && this.#listen.length < 2) throw new Error(`server has one descriptor table: ${line}`);
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
