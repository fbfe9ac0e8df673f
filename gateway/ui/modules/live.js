// The page of what happens: newest on top, at most 500 rows.
//
//   <ol data-live="POSITION">              its rows are as new as this
//     <li data-burst="KEY~…" data-joins>   a row; data-burst is what the server needs to count on in it; data-joins: it takes
//                                          the place of the row with this key
//     data-begun="TRIGGER"                 a row that says that a run began: it goes when the run has ended
//   <button data-live-pause>               "Pause", or "3 new, show"
//
// An event makes the page ask for /live?…&since=POSITION&burst=… , at most four times a second: the words are the server's.
// Scrolling down or a key pauses.

import { dress } from "./clock.js";
import { parse } from "./trust.js";

const least = 250, most = 500, open = 60;

const ended = new Set(), shortened = !new URLSearchParams(location.search).get("type"); // who asks for runs alone gets every step

let list = null, button = null, at = "", kinds = new Set(), timer = 0, asking = false, asked = 0, paused = false, held = [];

// event notes that there is something to show.
export function event(kind, { data }) {
  if (!list) return;
  kinds.add(kind);
  if (kind === "run" && data.includes('"phase":"ended"')) ended.add(/"trigger_id":"([^"]*)"/.exec(data)?.[1]);
  plan(least);
}

// back asks for all that came while the tab was hidden.
export function back() {
  if (!list) return;
  kinds = new Set(["*"]);
  plan(0);
}

function plan(wait) {
  if (timer || asking || !kinds.size || document.hidden) return;
  timer = setTimeout(ask, Math.max(wait, asked + least - performance.now()));
}

async function ask() {
  timer = 0;
  const saw = [...kinds];
  kinds = new Set();
  asking = true;
  asked = performance.now();
  try {
    const url = new URL(location.href);
    url.searchParams.set("since", at);
    if (!saw.includes("*")) url.searchParams.set("saw", saw.join(","));
    for (const row of [...held, ...list.children].slice(0, open)) url.searchParams.append("burst", row.dataset.burst);
    const answer = await fetch(url, { headers: { Accept: "text/html", "Spool-Cells": "live" }, cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = parse(await answer.text()).querySelector("[data-live]");
    at = fresh.dataset.live;
    dress(fresh);
    add([...fresh.children].map((row) => document.adoptNode(row)));
  } catch {
    saw.forEach((kind) => kinds.add(kind));
    asked = performance.now() + 2000;
  } finally {
    asking = false;
    plan(least);
  }
}

// add puts rows on top, or behind the button while the page is paused. One that goes on leaves its old place.
function add(rows) {
  const keys = new Set(rows.filter((row) => "joins" in row.dataset).map(keyOf));
  held = [...rows, ...held.filter((row) => !keys.has(keyOf(row)))].slice(0, most);
  if (paused) return tell();
  const on = new Set(held.filter((row) => "joins" in row.dataset).map(keyOf));
  for (const row of [...list.children].slice(0, 2 * open)) {
    const old = on.delete(keyOf(row)) || (shortened && ended.has(row.dataset.begun));
    if (old && !row.contains(document.activeElement)) row.remove();
  }
  list.prepend(...held.filter((row) => !(shortened && ended.has(row.dataset.begun))));
  held = [];
  ended.clear();
  while (list.childElementCount > most) list.lastElementChild.remove();
  document.querySelector("[data-live-none]")?.remove();
}

const keyOf = (row) => row.dataset.burst.split("~", 1)[0];

function pause(on) {
  if (paused === on) return;
  paused = on;
  if (!on) add([]);
  tell();
}

function tell() {
  if (!button) return;
  button.textContent = !paused ? "Pause" : held.length ? `${held.length} new, show` : "Paused: go on";
  button.setAttribute("aria-pressed", paused);
}

export function start() {
  list = document.querySelector("[data-live]");
  if (!list) return;
  button = document.querySelector("[data-live-pause]");
  at = list.dataset.live;
  if (button) button.hidden = false;
  tell();
  button?.addEventListener("click", () => {
    const show = paused;
    pause(!paused);
    if (show) scrollTo({ top: 0 });
  });
  addEventListener("scroll", () => pause(scrollY > list.getBoundingClientRect().top + scrollY), { passive: true });
  addEventListener("keydown", ({ key, target }) => !target.matches("input, select, textarea, button, a") && /^(Arrow|Page|Home|End| |j$|k$)/.test(key) && pause(true));
}
