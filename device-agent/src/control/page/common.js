// What both pages share: the token, requests with it, and what people are told.
export const at = (id) => document.getElementById(id);
export const say = (text) => { at("message").textContent = text; };
export const doing = (promise) => promise.catch((error) => say(error.message));

export let token = "";

/// A request with the token. `explain` may know better words for a refusal than its text.
export async function request(path, { headers, ...rest }, explain = () => "") {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}`, ...headers }, ...rest });
  if (answer.ok) return answer;
  const text = (await answer.text()).trim();
  throw new Error(explain(text) || text || answer.statusText);
}

/// Saves an answer as a file.
export async function save(answer, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/// Shows `part` once `load(true)` has worked with the token, and calls `load()` every so many milliseconds from then on.
export function begin(part, load, every) {
  async function look() {
    try {
      await load();
      if (at("message").dataset.of === "look") say("");
      delete at("message").dataset.of;
    } catch (error) {
      say(`The phone does not answer: ${error.message}`);
      at("message").dataset.of = "look";
    }
    setTimeout(look, every);
  }
  async function unlock(given) {
    token = given;
    try {
      await load(true);
    } catch (error) {
      token = "";
      return say(error.message);
    }
    sessionStorage.setItem("token", token);
    say("");
    at("unlock").hidden = true;
    at(part).hidden = false;
    setTimeout(look, every);
  }
  at("unlock").addEventListener("submit", (event) => {
    event.preventDefault();
    unlock(at("token").value.trim());
  });
  const known = location.hash.slice(1) || sessionStorage.getItem("token");
  history.replaceState(null, "", location.pathname);
  if (known) unlock(known);
}
