// Keys. `?` lists them; those of a single character can be switched off there, which a cookie keeps (WCAG 2.1.4).
//
//   / search · g o|j|r|d|l|s go · j k row · Enter open · r Run now (asks) · e edit · f follow the log · Esc
//
//   <tr data-row>                      what j and k move through: they focus its first link, or the row itself
//   data-key="r"                       on a button, link or box: the key that presses it; of the row with the focus, else of the page
//   <button data-keys hidden>          shows the list, for those who have not heard of `?`
//   <details data-menu>                is closed by Esc, and by a click beside it

import { keep, kept } from "./cookie.js";
import { ask, show } from "./dialog.js";
import { el } from "./trust.js";

const places = { o: ["/", "overview"], j: ["/jobs", "jobs"], r: ["/runs", "runs"], u: ["/upcoming", "upcoming"], d: ["/dead", "dead letters"], l: ["/live", "live"], s: ["/system", "system"] };
const cookie = "spool_keys";

let going = 0; // until when a letter after g counts

const on = () => kept(cookie) !== "off";

function help() {
  const rows = [["/", "search"], ...Object.entries(places).map(([key, [, name]]) => ["g " + key, name]), ["j, k", "next, previous row"], ["Enter", "open"],
    ["r", "Run now, after a question"], ["e", "edit"], ["f", "follow the log"], ["Esc", "close"], ["?", "this list"]];
  const box = el("input", { type: "checkbox", checked: on() });
  box.addEventListener("change", () => keep(cookie, box.checked ? "" : "off"));
  return show("Keys", el("dl", { class: "keys" }, ...rows.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    el("p", {}, el("label", { class: "check" }, box, " Keys of a single character")));
}

function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((r) => r.checkVisibility()), at = rows.findIndex((r) => r.contains(document.activeElement));
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  if (!row) return;
  const target = row.querySelector("a[href]") ?? row;
  if (target === row) row.tabIndex = -1;
  target.focus();
  row.scrollIntoView({ block: "nearest" });
}

async function press(key) {
  const row = document.activeElement?.closest("[data-row]");
  const target = row ? row.querySelector(`[data-key="${key}"]`) : document.querySelector(`main [data-key="${key}"]`);
  if (!target) return;
  const name = target.getAttribute("aria-label") ?? target.textContent.trim();
  if (key === "r" && !(target.dataset.confirm ?? target.form?.dataset.confirm) && !(await ask(name + "?", "Run now"))) return;
  target.click();
}

function single(event) {
  const { key } = event;
  if (going > performance.now()) {
    going = 0;
    if (places[key]) location.assign(places[key][0]);
    return;
  }
  switch (key) {
    case "g":
      going = performance.now() + 1500;
      break;
    case "/": {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
      break;
    }
    case "j": case "k":
      move(key === "j" ? 1 : -1);
      break;
    case "r": case "e": case "f":
      press(key);
  }
}

export function start() {
  addEventListener("keydown", (event) => {
    const t = event.target;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (t.matches?.("input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select, [contenteditable]") || t.closest?.("dialog")) return;
    if (event.key === "?") return help();
    if (on()) single(event);
  });
  for (const button of document.querySelectorAll("[data-keys]")) button.hidden = false;
  addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-keys]")) help();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(target)) menu.open = false;
  });
  addEventListener("keydown", ({ key, target }) => {
    const menu = key === "Escape" && target.closest?.("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
