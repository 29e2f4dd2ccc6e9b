// The phone's keys, what it shows, and its sound.
import { at, begin, doing, request, save, say, token } from "./common.js";

let lifted = false;
let sound = null;

async function ask(path, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await request(path, body ? post : {})).json();
}

// ---- what it shows ----

const number = (value, digits, unit) => (value === null || value === undefined ? "–" : `${value.toFixed(digits)}${unit}`);

function row(call) {
  const quality = call.quality ?? {};
  const cells = [
    call.peer.name ? `${call.peer.name} (${call.peer.number})` : call.peer.number,
    call.held ? "on hold" : call.stage,
    call.codec ?? "–",
    number(quality.mos_lq, 1, ""),
    number(quality.loss_percent, 1, " %"),
    number(quality.jitter_ms, 0, " ms"),
    number(quality.mouth_to_ear_ms, 0, " ms"),
  ];
  const line = document.createElement("tr");
  for (const text of cells) line.insertCell().textContent = text;
  return line;
}

function show(phone) {
  lifted = phone.hook === "off";
  at("hook").textContent = lifted ? "Replace the handset" : "Lift the handset";
  at("hook").setAttribute("aria-pressed", lifted);
  const parts = phone.accounts.filter((one) => one.user).map((one) => `${one.user}: ${one.status}`);
  if (phone.ringing) parts.push("rings");
  if (phone.tone !== "none") parts.push(`tone: ${phone.tone.replaceAll("_", " ")}`);
  if (phone.dialled) parts.push(`dialled: ${phone.dialled}`);
  if (phone.muted) parts.push("muted");
  if (phone.speaker) parts.push("speaker");
  const text = parts.join(" · ") || "no account";
  if (at("shown").textContent !== text) at("shown").textContent = text;
  at("calls").replaceChildren(...phone.calls.map(row));
  at("idle").hidden = phone.calls.length > 0;
}

async function load() {
  show(await ask("phone"));
  showProvision(await ask("provision"));
}

// ---- configuration ----

const time = (at) => new Date(at).toLocaleTimeString();

function showProvision({ running, last, next, set_by_user: own, user_protection: protects }) {
  const parts = [];
  if (running) parts.push(`${running.waiting ? "waiting for" : "asking for"} ${running.file} (${running.asked})`);
  if (last) parts.push(`${time(last.at)}: ${last.ok ? "complete" : "failed"}, ${[...last.files, last.text].join(": ")}`);
  if (last?.protected.length) parts.push(`left as set at the phone: ${last.protected.join(", ")}`);
  if (next) parts.push(`looks again at ${time(next)}`);
  if (own.length) parts.push(`set at the phone${protects ? ", protected" : ""}: ${own.join(", ")}`);
  const text = parts.join(" · ") || "never provisioned by a file";
  if (at("provision").textContent !== text) at("provision").textContent = text;
}

/// A request with the backup's password where there is one.
function raw(path, body) {
  const headers = path === "backup" ? { "X-Backup-Password": at("backup-password").value } : {};
  return request(path, { method: body ? "POST" : "GET", headers, body });
}

const download = async (path, name) => save(await raw(path), name);

async function upload(path, field) {
  const [file] = field.files;
  if (!file) return;
  try {
    const { changed, unknown } = await (await raw(path, file)).json();
    say(`${file.name}: ${changed} settings changed${unknown ? `, ${unknown} entries this phone does not have` : ""}`);
  } finally {
    field.value = "";
  }
}

at("provision-now").addEventListener("click", () => doing(ask("provision", {})));
for (const button of document.querySelectorAll("[data-get]")) {
  button.addEventListener("click", () => doing(download(button.dataset.get, button.dataset.name)));
}
for (const field of document.querySelectorAll("[data-post]")) {
  field.addEventListener("change", () => doing(upload(field.dataset.post, field)));
}

// ---- keys ----

const digit = (key) => doing(ask("key", { keys: key }));
const hook = () => doing(ask("hook", { hook: lifted ? "on" : "off" }));
const press = (key) => doing(ask("press", { key }));

for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.textContent = key;
  button.addEventListener("click", () => digit(key));
  at("digits").append(button);
}
at("hook").addEventListener("click", hook);
for (const button of document.querySelectorAll("[data-press]")) {
  button.addEventListener("click", () => press(button.dataset.press));
}
document.addEventListener("keydown", (event) => {
  if (!token || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLInputElement) return;
  if (/^[0-9*#]$/.test(event.key)) digit(event.key);
  else if (event.key.toLowerCase() === "h") hook();
  // On a button, Enter is the button's.
  else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) press("send");
});

// ---- sound ----

function level(meter, block) {
  let sum = 0;
  for (const sample of block) sum += sample * sample;
  const db = 10 * Math.log10(sum / block.length / 32768 ** 2 + 1e-6);
  // Falls slowly, so that it can be read.
  meter.value = Math.max(db, meter.value - 1);
}

async function start() {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  const stop = (why) => {
    if (!sound) return;
    sound = null;
    for (const track of stream.getTracks()) track.stop();
    context.close();
    if (socket.readyState <= WebSocket.OPEN) socket.close();
    at("microphone").value = at("speaker").value = -60;
    at("sound").textContent = "Start the sound";
    at("sound").setAttribute("aria-pressed", "false");
    say(why ?? "");
  };
  await context.audioWorklet.addModule("worklet.js");
  const node = new AudioWorkletNode(context, "phone", { outputChannelCount: [1] });
  const url = new URL("sound", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  const socket = new WebSocket(url, ["sound", `bearer.${token}`]);
  socket.binaryType = "arraybuffer";
  // Samples are little endian, as in every machine that runs a browser.
  node.port.onmessage = ({ data }) => {
    level(at("microphone"), data);
    // What cannot be sent in time is of no use later.
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 20000) socket.send(data);
  };
  socket.onmessage = ({ data }) => {
    const block = new Int16Array(data);
    level(at("speaker"), block);
    node.port.postMessage(block);
  };
  socket.onclose = () => stop("The sound has ended: another browser has it, or the phone runs without --sound browser.");
  context.createMediaStreamSource(stream).connect(node).connect(context.destination);
  await context.resume();
  sound = { stop };
  at("sound").textContent = "Stop the sound";
  at("sound").setAttribute("aria-pressed", "true");
}

at("sound").addEventListener("click", () => (sound ? sound.stop() : doing(start())));

begin("phone", load, 500);
