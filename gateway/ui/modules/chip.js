// The chip that says whether what one sees is what is.
//
//   <span data-chip role=status>live</span>   its data-chip becomes live, reconnecting, offline or signed-out

import { login } from "./dialog.js";
import { el } from "./trust.js";

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

let state = "", news = 0;

// heard notes that the server was heard of at a time of its clock.
export function heard(at) {
  news = at;
}

// say shows a state: live, reconnecting, offline, signed-out.
export function say(next) {
  if (next === state) return;
  state = next;
  const chip = document.querySelector("[data-chip]");
  if (!chip) return;
  const last = news ? time.format(news) : "";
  chip.ariaLive = state === "live" && chip.hidden ? "off" : "polite"; // that all is well at first is no news
  chip.hidden = false;
  chip.dataset.chip = next;
  chip.textContent = { live: "live", reconnecting: last ? `reconnecting (last news ${last})` : "reconnecting", offline: `offline: showing ${last}`, "signed-out": "signed out" }[next];
  if (next !== "signed-out") return;
  const button = el("button", { type: "button" }, "Log in");
  button.addEventListener("click", login);
  chip.append(" ", button);
}
