// The PnP service: settings, template, values, effects, and how far each phone is.
import { at, begin, doing, request, save, say } from "./common.js";

const ask = (path, method = "GET", body, kind) =>
  request(path, { method, headers: kind && { "Content-Type": kind }, body }, explain);

function explain(text) {
  let errors;
  try { ({ errors } = JSON.parse(text)); } catch { /* A plain text says it all. */ }
  if (!errors) return "";
  refused(errors);
  return `Not taken: ${errors[0].why}`;
}

const send = (path, method, value) => ask(path, method, JSON.stringify(value), "application/json");

function cells(texts) {
  const line = document.createElement("tr");
  for (const text of texts) line.insertCell().append(text);
  return line;
}

function button(text, label, act) {
  const made = document.createElement("button");
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", () => doing(act()));
  return made;
}

function refused(errors) {
  at("errors").replaceChildren(...errors.map((one) => cells([one.row || "–", one.column || "–", one.why])));
  at("wrong").hidden = false;
  at("wrong").focus();
}

async function download(path) {
  const answer = await ask(path);
  await save(answer, /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "file");
}

// ---- what is there ----

const STAGES = { discovered: "found", told: "told where to fetch", fetched: "fetched its file", done: "done", failed: "failed" };
let drawn = "";

function phone(one) {
  const actions = document.createElement("span");
  actions.className = "row";
  actions.append(
    button("Download", `Download the file of ${one.mac}`, () => download(`pnp/files/${one.mac}`)),
    button("Again", `Distribute to ${one.mac} again`, () => again({ macs: [one.mac] })),
    button("Remove", `Take ${one.mac} off the list`, async () => {
      await ask(`pnp/phones/${one.mac}`, "DELETE");
      await load();
    }),
  );
  const stage = one.note ? `${STAGES[one.stage]}: ${one.note}` : STAGES[one.stage];
  return cells([one.mac, one.ip, one.model || "–", one.version || "–", stage, new Date(one.at).toLocaleTimeString(), actions]);
}

function show(page, first) {
  if (first) {
    at("enable").checked = page.settings.enable;
    at("mode").value = page.settings.mode;
    at("url").value = page.settings.url;
  }
  at("state").textContent = page.trouble
    ? `On, but it does not work: ${page.trouble}`
    : page.url ? `On. Phones are pointed at ${page.url}` : "Off. No phone is answered.";
  at("offer").hidden = !page.offer;
  if (page.offer) at("offer").textContent = `This phone itself was pointed at ${page.offer.url} by ${page.offer.from}.`;
  const { template, table } = page;
  at("template-state").textContent = template
    ? `${template.file_name}, ${template.bytes} bytes, SHA-256 ${template.sha256.slice(0, 16)}…; `
      + (template.variables.length ? `variables: ${template.variables.join(", ")}` : "no variables")
    : "No template yet.";
  at("csv-state").textContent = table
    ? `${table.rows} phones, SHA-256 ${table.sha256.slice(0, 16)}…`
    : template?.variables.length === 0 ? "The template needs no values." : "No values yet.";
  for (const id of ["template-down", "template-drop", "csv-down", "csv-up", "effects-show"]) at(id).disabled = !template;
  at("csv-drop").disabled = !table;
  // Redrawn when something changed, so that the focus stays where it is.
  const now = JSON.stringify([page.phones, page.refused]);
  if (now === drawn) return;
  drawn = now;
  const focused = document.activeElement?.getAttribute("aria-label");
  at("phones").replaceChildren(...page.phones.map(phone));
  if (focused) [...at("phones").querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  const done = page.phones.filter((one) => one.stage === "done").length;
  const failed = page.phones.filter((one) => one.stage === "failed").length;
  at("progress-text").textContent = `${done} of ${page.phones.length} phones done`
    + `${failed ? `, ${failed} failed` : ""}; at most ${page.most_phones}.`;
  at("progress").max = Math.max(page.phones.length, 1);
  at("progress").value = done;
  at("phones-none").hidden = page.phones.length > 0;
  at("phones-table").hidden = page.phones.length === 0;
  at("again-all").disabled = page.phones.length === 0;
  at("refused").hidden = page.refused.length === 0;
  if (page.refused.length) {
    const last = page.refused[page.refused.length - 1];
    at("refused").textContent = `Not taken: ${page.refused.map((one) => one.mac).join(", ")}. ${last.why}.`;
  }
}

const load = async (first) => show(await (await ask("pnp")).json(), first);

// ---- what can be done ----

async function again(whom) {
  const { told, unreachable } = await (await send("pnp/redistribute", "POST", whom)).json();
  say(unreachable.length ? `${told} phones are told again; restart ${unreachable.join(", ")}.` : `${told} phones are told again.`);
}

async function upload(what, kind) {
  const [file] = at(`${what}-file`).files;
  if (!file) throw new Error("Choose a file first.");
  at("wrong").hidden = true;
  const page = await (await ask(`pnp/${what}`, "PUT", file, kind)).json();
  show(page);
  at(`${what}-file`).value = "";
  const gone = page.unused.length ? ` Not in it any more, their values are gone: ${page.unused.join(", ")}.` : "";
  say(`${file.name} is taken.${gone}`);
}

async function drop(what) {
  show(await (await ask(`pnp/${what}`, "DELETE")).json());
  at("effects-table").hidden = at("preview").hidden = true;
  say("Removed.");
}

async function effects() {
  const found = await (await ask("pnp/effects")).json();
  at("effects-none").hidden = found.length > 0;
  at("effects-table").hidden = found.length === 0;
  at("preview").hidden = true;
  at("effects").replaceChildren(...found.map((one) => {
    const look = one.mac
      ? button("Show", `Show the file of ${one.mac}`, async () => {
        at("preview").textContent = await (await ask(`pnp/files/${one.mac}`)).text();
        at("preview").hidden = false;
        at("preview").focus();
      })
      : "–";
    return cells([one.mac ?? "all", one.file_name, one.bytes, one.problems.join("; ") || "–", look]);
  }));
}

at("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  doing((async () => {
    const wanted = { enable: at("enable").checked, mode: at("mode").value, url: at("url").value.trim() };
    await send("pnp/settings", "PUT", wanted);
    say("Applied.");
    await load();
  })());
});
at("template-up").addEventListener("click", () => doing(upload("template", "application/xml")));
at("template-down").addEventListener("click", () => doing(download("pnp/template")));
at("template-drop").addEventListener("click", () => doing(drop("template")));
at("csv-up").addEventListener("click", () => doing(upload("csv", "text/csv")));
at("csv-down").addEventListener("click", () => doing(download("pnp/csv")));
at("csv-drop").addEventListener("click", () => doing(drop("csv")));
at("effects-show").addEventListener("click", () => doing(effects()));
at("again-all").addEventListener("click", () => doing(again({ all: true })));

begin("service", load, 1000);
