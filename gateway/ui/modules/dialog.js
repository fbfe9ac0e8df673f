// Dialogs: a question, and the login when a session has ended while a page is open.

import { el, parse } from "./trust.js";

let number = 0;

// open shows a dialog with a heading, and gives what it was closed with; "" is Escape.
function open(heading, ...content) {
  const id = `dialog-${++number}`, before = document.activeElement;
  const box = el("dialog", { "aria-labelledby": id }, el("h2", { id }, heading), ...content);
  document.body.append(box);
  box.showModal();
  const closed = new Promise((resolve) => {
    box.addEventListener("close", () => {
      box.remove();
      before?.focus?.();
      resolve(box.returnValue);
    });
  });
  return { box, closed };
}

// ask asks before something is done; the answer that changes nothing has the focus.
export async function ask(question, yes = "Yes") {
  const [first, ...rest] = question.split("\n");
  const { closed } = open(first, ...rest.map((line) => el("p", {}, line)),
    el("form", { method: "dialog", class: "buttons" }, el("button", { value: "", autofocus: true }, "Back"), el("button", { value: "yes", class: "primary" }, yes)));
  return (await closed) === "yes";
}

// show shows something to read.
export function show(heading, ...content) {
  return open(heading, ...content, el("form", { method: "dialog", class: "buttons" }, el("button", { value: "", autofocus: true }, "Close"))).closed;
}

let asking = null;

// login lets somebody log in again; the page and what is typed in it stay. True: there is a session.
export function login() {
  asking ??= again().finally(() => (asking = null));
  return asking;
}

async function again() {
  let form;
  try {
    const answer = await fetch("/login", { headers: { Accept: "text/html" } });
    form = document.adoptNode(parse(await answer.text()).querySelector('form[action^="/login"]'));
  } catch {
    return false;
  }
  form.querySelector('input:not([type=hidden], [tabindex="-1"])')?.setAttribute("autofocus", "");
  const says = el("p", { role: "alert" });
  const { box, closed } = open("Your session has ended", el("p", {}, "Log in, and what you asked for is done. Nothing you typed is lost."), form, says,
    el("form", { method: "dialog", class: "buttons" }, el("button", { value: "" }, "Not now")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "Spool-Note": "1" } });
      if (answer.ok) {
        const { owner } = await (await fetch("/api/v2/me")).json(), was = document.body.dataset.who;
        if (!was || owner === was) return box.close("in");
        says.textContent = `You are ${owner} now, and this page is ${was}'s: load it again. Nothing was sent.`;
        return;
      }
      const fault = parse(await answer.text()).querySelector(".fault, .note, [data-summary]");
      says.textContent = fault?.textContent.trim() || `Not logged in: the answer was ${answer.status}.`;
    } catch {
      says.textContent = "Not sent: the server cannot be reached.";
    }
  });
  if ((await closed) !== "in") return false;
  document.dispatchEvent(new Event("spool:login"));
  return true;
}
