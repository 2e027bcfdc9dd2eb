import { Socket } from "./socket.js";
import { Peer } from "./peer.js";

// Whoever comes in offers to at most so many of those who are there; to the others
// one connects by hand.
const offers = 8;

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const servers = query.getAll("stun").map((host) => ({ urls: `stun:${host}` }));
const present = new Map(); // id -> name
const peers = new Map(); // id -> Peer
let socket, me, retry, leaving, attempt = 0;

$("room").value = query.get("room") ?? "lobby";
$("name").value = query.get("name") ?? "";
$("entry").onsubmit = (e) => { e.preventDefault(); attempt = 0; enter(); };
$("leave").onclick = () => { leaving = true; clearTimeout(retry); socket.close(); outside(); };
$("chat").onsubmit = (e) => { e.preventDefault(); say($("text").value.trim()); };
if (query.has("auto")) enter();

async function enter() {
  leaving = false;
  show("connecting", "Connecting");
  let config;
  try {
    config = await (await fetch("config.json")).json();
  } catch {
    return again("The page's own server does not answer.");
  }
  const url = new URL(`${config.scheme}://${location.hostname}:${config.port}${config.path}`);
  url.searchParams.set("vsn", "2.0.0");
  if (query.has("token")) url.searchParams.set("token", query.get("token"));
  socket = new Socket(url, take);
}

async function join() {
  try {
    me = await socket.join(`room:${$("room").value}`, { user: $("name").value || undefined });
  } catch (err) {
    leaving = true;
    socket.close();
    return outside(`The room cannot be joined: ${err.message}.`);
  }
  attempt = 0;
  const here = new URL(location);
  here.searchParams.set("room", $("room").value);
  history.replaceState(null, "", here);
  $("where").textContent = $("room").value;
  $("me").textContent = me.id;
  show("joined", "Joined");
  note("You joined. The others are told by presence.");
}

function take(event, payload) {
  switch (event) {
    case "socket":
      if (payload === "open") join();
      else if (!leaving) again(me ? `The connection ended: ${payload}.` : "The server cannot be reached, or refused: is the token good, and the origin allowed?");
      break;
    case "presence_state": // a second one makes up for changes that did not get here
      present.clear();
      arrive(payload);
      if (!me.met) for (const id of [...present.keys()].filter((id) => id !== me.id).slice(0, offers)) connect(id);
      me.met = true;
      render();
      break;
    case "presence_diff":
      arrive(payload.joins);
      for (const id of Object.keys(payload.leaves)) {
        if (id === me.id) continue;
        present.delete(id);
        peers.get(id)?.close();
        peers.delete(id);
      }
      render();
      break;
    case "offer": case "answer": case "candidate":
      if (event !== "candidate") note(`${event} from ${nameOf(payload.from)}, through the server`);
      peer(payload.from).take(event, payload);
      break;
    case "phx_close":
      leaving = true;
      socket.close();
      outside("The room was closed: this connection joined it a second time.");
  }
}

function arrive(entries) {
  for (const [id, { metas }] of Object.entries(entries)) present.set(id, metas[0].user ?? "");
}

function peer(id) {
  if (!peers.has(id)) {
    peers.set(id, new Peer(id, {
      servers,
      yields: me.id < id,
      signal: (event, payload) => {
        if (event !== "candidate") note(`${event} to ${nameOf(id)}, through the server`);
        return socket.push(event, payload);
      },
      changed: () => {
        const p = peers.get(id);
        if (p?.state === "connected") {
          note(`Data channel to ${nameOf(id)} is open: from here on the server sees nothing.`);
          if (query.has("auto")) p.say(`hello from ${nameOf(me.id)}`);
        }
        render();
      },
      heard: (text) => message(nameOf(id), text, "theirs"),
    }));
  }
  return peers.get(id);
}

function connect(id) {
  peers.get(id)?.close();
  peers.delete(id);
  peer(id).offer();
  render();
}

function say(text) {
  const open = [...peers.values()].filter((p) => p.state === "connected");
  if (!text || !open.length) return;
  for (const p of open) p.say(text);
  message("You", text, "mine");
  $("text").value = "";
}

// outside returns to the form, with what went wrong if something did.
function outside(problem = "") {
  for (const p of peers.values()) p.close();
  peers.clear();
  present.clear();
  me = undefined;
  $("log").replaceChildren();
  show("outside", "Not connected", problem);
}

// again comes back by itself, later each time: a server that was restarted gets
// its clients one after the other.
function again(problem) {
  const wait = Math.min(30, 2 ** attempt++) * (0.5 + Math.random());
  outside(`${problem} Trying again in ${Math.ceil(wait)} s.`);
  retry = setTimeout(enter, wait * 1000);
}

function nameOf(id) { return present.get(id) || id.slice(0, 5); }

function show(state, label, problem = "") {
  document.body.dataset.state = state;
  $("state").textContent = label;
  $("problem").textContent = problem;
  $("problem").hidden = !problem;
  render();
}

const labels = { signaling: "signaling", connecting: "connecting", connected: "connected", closed: "closed", failed: "failed" };

function render() {
  const rows = [...present.keys()].sort((a, b) => (b === me?.id) - (a === me?.id)).map((id) => {
    const row = $("presence-row").content.firstElementChild.cloneNode(true);
    const p = peers.get(id);
    row.dataset.peer = id;
    row.querySelector(".avatar").textContent = nameOf(id).slice(0, 1).toUpperCase();
    row.querySelector(".avatar").style.setProperty("--hue", [...id].reduce((sum, c) => (sum * 131 + c.charCodeAt(0)) % 9973, 7) * 137 % 360);
    row.querySelector(".who").textContent = nameOf(id);
    row.querySelector(".id").textContent = id;
    const state = row.querySelector(".state"), button = row.querySelector("button");
    const how = id === me?.id ? "you" : p?.state ?? "here";
    row.dataset.state = how;
    state.textContent = labels[how] ?? how;
    state.title = p?.error ?? "";
    row.querySelector(".error").textContent = p?.error ?? "";
    button.hidden = !["here", "closed", "failed"].includes(how);
    button.onclick = () => connect(id);
    return row;
  });
  $("presence").replaceChildren(...rows);
  const others = Math.max(0, present.size - 1), open = [...peers.values()].filter((p) => p.state === "connected").length;
  $("count").textContent = present.size || "";
  $("alone").hidden = others > 0;
  $("text").disabled = $("send").disabled = open === 0;
  $("text").placeholder = open ? `Message to ${open === 1 ? "1 peer" : `${open} peers`}` : "Waiting for a data channel";
  document.body.dataset.connected = open;
  if (document.body.dataset.state === "joined") $("state").textContent = open ? `Joined, ${open} connected` : "Joined";
}

function message(who, text, whose) {
  const item = $("message-row").content.firstElementChild.cloneNode(true);
  item.classList.add(whose);
  item.querySelector(".who").textContent = who;
  item.querySelector(".text").textContent = text;
  append(item);
}

function note(text) {
  const item = document.createElement("li");
  item.className = "note";
  item.textContent = text;
  append(item);
}

function append(item) {
  $("log").append(item);
  $("log").scrollTop = $("log").scrollHeight;
}

$("link").onclick = async () => {
  const link = new URL(location);
  for (const own of ["name", "auto", "token"]) link.searchParams.delete(own);
  try {
    await navigator.clipboard.writeText(link);
    $("link").textContent = "Copied";
  } catch {
    $("link").textContent = link; // no clipboard without TLS but on localhost
  }
  setTimeout(() => { $("link").textContent = "Copy link"; }, 4000);
};
