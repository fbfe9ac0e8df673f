// Forms without leaving the page.
//
//   <form method=post action=… data-form>   is sent by fetch with the header Spool-Note: 1, once however often it is pressed
//   data-confirm="Delete invoices?"          on the form or its button: asked first; lines below the first are text
//   data-confirm-yes="Delete"                the answer that does it
//   <p data-note role=status></p>            the nearest one takes the answer: in the form, else in the first element around it that has one
//   <div data-summary tabindex=-1>           of a refused form, in the <main> that comes back; gets the focus
//   data-leave                               on the form: leaving it changed asks
//   data-auto                                on a control of a GET form: a change sends it

import { dress } from "./clock.js";
import { ask, login } from "./dialog.js";
import { el, parse, take } from "./trust.js";

const busy = new WeakSet(), changed = new Set();

// note shows what became of something that was asked for, beside it.
export function note(near, ...content) {
  let place = null;
  for (let e = near; e && !place; e = e.parentElement) place = e.querySelector("[data-note]");
  if (!place) {
    place = el("p", { "data-note": true, role: "status", class: "note" });
    (document.querySelector("main") ?? document.body).prepend(place);
  }
  place.replaceChildren(...content);
  dress(place);
  place.dispatchEvent(new CustomEvent("spool:note", { bubbles: true }));
}

// send makes a request, lets the person log in where the session has ended, and makes it once more.
export async function send(url, options) {
  const answer = await fetch(url, options);
  return answer.status === 401 && (await login()) ? fetch(url, options) : answer;
}

async function submit(form, button) {
  if (busy.has(form)) return;
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  busy.add(form);
  try {
    if (question && !(await ask(question, button?.dataset.confirmYes ?? form.dataset.confirmYes))) return;
    if (navigator.onLine === false) return note(form, "Not sent: this computer is offline. Nothing will be sent later by itself.");
    form.setAttribute("aria-busy", "true");
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await send(button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href, { method: "POST", body, headers: { "Spool-Note": "1" } });
    await show(form, answer, await answer.text());
    form.dispatchEvent(new Event("spool:done", { bubbles: true }));
  } catch {
    const once = form.elements.namedItem("key") ? " Press again: it happens once." : " Load the page to see whether it was done.";
    note(form, navigator.onLine === false ? "Not sent: this computer is offline." : "No answer came: the server cannot be reached." + once);
  } finally {
    busy.delete(form);
    form.removeAttribute("aria-busy");
  }
}

function show(form, answer, text) {
  const next = answer.headers.get("Spool-Next") ?? (answer.redirected ? answer.url : "");
  if (answer.ok && next) {
    changed.delete(form);
    return go(next);
  }
  const page = parse(text), main = page.querySelector("main");
  if (main?.querySelector("[data-summary]")) return replaceMain(main);
  if (answer.ok || !main) {
    changed.delete(form);
    return note(form, page.body.childNodes.length ? take(page.body) : `Not done: the answer was ${answer.status}.`);
  }
  const why = main.querySelector("[data-problem]") ?? main.querySelector("h1 + p") ?? main.querySelector("h1");
  note(form, answer.status === 401 ? "Not done: you are signed out." : why.textContent.trim());
}

// go opens an address; the page anew where that is the address of this one.
export function go(address) {
  const url = new URL(address, location.href);
  const same = url.pathname + url.search === location.pathname + location.search;
  location.assign(url);
  if (same) location.reload();
}

function replaceMain(main) {
  const here = document.querySelector("main");
  here.replaceChildren(take(main));
  dress(here);
  document.dispatchEvent(new Event("spool:main"));
  here.querySelector("[data-summary]").focus();
}

export function start() {
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.matches("[data-form]")) {
      event.preventDefault();
      submit(form, event.submitter);
      return;
    }
    changed.delete(form);
  });
  addEventListener("input", ({ target }) => target.form?.matches("[data-leave]") && changed.add(target.form));
  addEventListener("change", ({ target }) => target.matches("[data-auto]") && target.form.requestSubmit());
  addEventListener("beforeunload", (event) => {
    for (const form of changed) {
      if (form.isConnected && !busy.has(form)) event.preventDefault();
      if (!form.isConnected) changed.delete(form);
    }
  });
}
