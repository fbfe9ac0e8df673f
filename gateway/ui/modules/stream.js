// The stream of events: what has changed, from the position on that the page was rendered at.
//
//   <body data-position="j12-r345-u67-s8-d9-t10">   where the page stands; without one the page has no stream
//   <body data-stream="job_id=…">                   a query that narrows the stream, where the page is about one job
//
// A tab that is hidden has no stream: a browser has six connections for a server. A stream that breaks off is opened
// again behind the last event that came.

import * as chip from "./chip.js";
import { now } from "./clock.js";

const kinds = ["job", "result", "run", "slot", "dead", "watch", "file", "retry", "system"];
const pause = [500, 1000, 2000, 5000];

let source = null, position = "", tries = 0, timer = 0, on = { event() {}, back() {} };

// start follows the events: event is called with each, back when events may have been missed that will not come.
export function start(handlers) {
  on = handlers;
  if (!document.body.dataset.who) return; // nobody is let in
  position = document.body.dataset.position ?? "";
  chip.heard(now());
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : returned()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && returned());
  addEventListener("offline", () => chip.say("offline"));
  addEventListener("online", returned);
  document.addEventListener("spool:login", returned);
  if (!document.hidden) open();
}

function returned() {
  on.back();
  reopen();
}

function reopen() {
  close();
  tries = 0;
  if (!document.hidden) open();
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function open() {
  close();
  const query = new URLSearchParams(document.body.dataset.stream ?? "");
  if (position) query.set("last_event_id", position);
  const mine = (source = new EventSource("/api/v2/events?" + query));
  mine.onopen = () => {
    tries = 0;
    chip.heard(now());
    chip.say("live");
    if (!position) on.back();
  };
  mine.onerror = () => mine === source && broken(mine.readyState === EventSource.CLOSED);
  for (const kind of kinds) {
    mine.addEventListener(kind, (event) => {
      if (mine !== source) return;
      position = event.lastEventId || position;
      chip.heard(now());
      on.event(kind, event);
    });
  }
}

// broken says what is known, and looks for more where the browser does not try again by itself.
async function broken(refused) {
  chip.say(navigator.onLine === false ? "offline" : "reconnecting");
  if (!refused) return;
  close();
  const status = await fetch("/api/v2/me", { cache: "no-store" }).then((answer) => answer.status, () => 0);
  if (status === 401) return chip.say("signed-out");
  if (document.hidden || source) return;
  clearTimeout(timer);
  timer = setTimeout(open, pause[Math.min(tries++, pause.length - 1)]);
}
