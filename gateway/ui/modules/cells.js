// Live cells. An event names a job and a trigger; the cells of these that are in view are read anew.
//
//   <td data-cell="JOBID/now">…</td>   of a job or trigger; "all/…": of every event
//   data-since="TIME"                  on a cell: is sent along as the header Spool-Since
//   data-minute                        also at the beginning of each minute; data-poll: every two seconds
//
// The page's own address is asked with the header Spool-Cells: JOBID,TRIGGERID,all, and what comes back takes the
// place of what is there, where it differs. The title and the bar come with any cell, and seldom without one.
// Spool-Since is what data-since of the page says: up to when it knows what there is. Nothing changes under a focus, a selection or a held pointer: the cell gets
// the class "changed", and is brought up to date when that is over, or shows what its own button has done. At most four requests are made a second.

import * as chip from "./chip.js";
import { dress } from "./clock.js";
import { note } from "./forms.js";
import { parse, take } from "./trust.js";

const gather = 250, least = 250, most = 100, settle = 1000, seldom = 5000, poll = 2000;

const due = new Map(); // id -> how often it was read and may still have been behind the event
let told = false, timer = 0, asked = 0, asking = false, pressed = null, newest = "";

const idOf = (cell) => cell.dataset.cell.split("/", 1)[0];

// event makes the cells due that an event is about.
export function event({ data, lastEventId }) {
  newest = lastEventId || newest;
  mark("all");
  for (const name of ["job_id", "trigger_id"]) {
    const id = new RegExp(`"${name}":"([^"]*)"`).exec(data)?.[1];
    if (id) mark(id);
  }
}

function mark(id) {
  due.set(id, 0);
  plan(gather);
}

// those makes the cells of a selector due.
function those(selector) {
  for (const cell of document.querySelectorAll(selector)) due.set(idOf(cell), 0);
  if (!document.hidden) plan(gather);
}

// minute makes those due that change with the minute.
export const minute = () => those("[data-cell][data-minute]");

// all makes every cell due, once.
export function all() {
  for (const cell of document.querySelectorAll("[data-cell]")) due.set(idOf(cell), 0);
  plan(0);
}

function plan(wait) {
  if (timer || asking || !due.size) return;
  timer = setTimeout(fetchCells, Math.max(wait, asked + least - performance.now()));
}

// inView reports whether somebody can see a cell.
function inView(cell) {
  const { top, bottom, width } = cell.getBoundingClientRect();
  return bottom > -50 && top < innerHeight + 50 && (width > 0 || cell.childElementCount === 0);
}

async function fetchCells() {
  timer = 0;
  if (document.hidden) return;
  // id -> whether one of its cells is in view. What stands around the page is read with any cell; without one, seldom.
  const here = new Map([["all", performance.now() > asked + seldom]]);
  for (const cell of document.querySelectorAll("[data-cell]")) here.set(idOf(cell), here.get(idOf(cell)) || inView(cell));
  for (const id of due.keys()) if (!here.has(id)) due.delete(id);
  const ids = [...due.keys()].filter((id) => here.get(id)).slice(0, most);
  if (!ids.length) return due.size && plan(seldom);
  const times = ids.map((id) => [id, due.get(id)]), until = newest;
  for (const id of ids) due.delete(id);
  asking = true;
  asked = performance.now();
  let wait = gather;
  try {
    const headers = { "Spool-Cells": ids.join(","), Accept: "text/html" }, since = document.querySelector("[data-cell][data-since]")?.dataset.since;
    if (since) headers["Spool-Since"] = since;
    const answer = await fetch(location.pathname + location.search, { headers, cache: "no-store" });
    if (answer.status === 401) return chip.say("signed-out");
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return refused(answer);
    if (!answer.ok) throw new Error(answer.status);
    const page = parse(await answer.text());
    show(page);
    const reached = page.body.dataset.position;
    if (reached && until && !covers(reached, until)) setTimeout(again, settle, times.filter(([, n]) => n < 3));
  } catch {
    for (const [id, n] of times) if (!due.has(id)) due.set(id, n);
    wait = 2000;
  } finally {
    asking = false;
    plan(wait);
  }
}

// refused says, once, why the page shows what it showed: what it is about is gone, or nobody's to see any more.
async function refused(answer) {
  const why = take(parse(await answer.text()).body);
  if (!told) note(document.querySelector("main"), why);
  told = true;
}

// again makes cells due once more that may have been read before the server knew of the event.
function again(times) {
  for (const [id, n] of times) if (!due.has(id)) due.set(id, n + 1);
  plan(0);
}

// covers reports whether a position, j1-r2-…, has come to another.
function covers(reached, until) {
  const a = reached.split("-"), b = until.split("-");
  return b.every((part, i) => !a[i] || +a[i].slice(1) >= +part.slice(1));
}

// show puts the cells of another document into this one.
export function show(page) {
  dress(page);
  for (const fresh of page.querySelectorAll("[data-cell]")) {
    for (const cell of document.querySelectorAll(`[data-cell="${CSS.escape(fresh.dataset.cell)}"]`)) renew(cell, fresh.cloneNode(true));
  }
  frame(page);
  document.dispatchEvent(new Event("spool:cells"));
}

// frame brings the title of the tab, its icon, and the numbers in the bar up to date.
function frame(page) {
  if (page.title && document.title !== page.title) document.title = page.title;
  const icon = document.querySelector("[data-icon]"), href = page.querySelector("[data-icon]")?.getAttribute("href");
  if (icon && href && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  for (const link of page.querySelectorAll("body > nav a[href]")) {
    const here = document.querySelector(`.bar nav a[href="${CSS.escape(link.getAttribute("href"))}"]`), count = link.querySelector("[data-count]");
    if (!here || here.querySelector("[data-count]")?.textContent === count?.textContent) continue;
    here.querySelector("[data-count]")?.remove();
    if (count) here.append(" ", document.adoptNode(count));
  }
}

function renew(cell, fresh) {
  dress(cell); // its times say what they would say now
  for (const { name, value } of fresh.attributes) {
    if (name !== "class" && name !== "data-note" && cell.getAttribute(name) !== value) cell.setAttribute(name, value);
  }
  const focused = cell.contains(document.activeElement), same = cell.childNodes.length === fresh.childNodes.length && [...cell.childNodes].every((child, i) => child.isEqualNode(fresh.childNodes[i]));
  if (same) return settled(cell, fresh);
  if (held(cell)) {
    cell.classList.add("changed");
    late.set(cell, fresh);
    return;
  }
  settled(cell, fresh);
  replace(cell, fresh);
  if (!focused || cell.contains(document.activeElement)) return;
  const next = cell.querySelector("button, a[href]") ?? cell.closest("[data-row]")?.querySelector("a[href]") ?? document.querySelector("main");
  next.focus({ preventScroll: true });
}

function replace(cell, fresh) {
  if (cell.childNodes.length !== fresh.childNodes.length) return cell.replaceChildren(take(fresh));
  [...fresh.childNodes].forEach((child, i) => {
    const old = cell.childNodes[i];
    if (!old.isEqualNode(child)) old.replaceWith(document.adoptNode(child));
  });
}

function settled(cell, fresh) {
  late.delete(cell);
  own.delete(cell);
  if (cell.className !== fresh.className) cell.className = fresh.className;
}

// late are the cells that somebody holds, and what they will show.
const late = new Map();

// own are the cells with a button that was pressed, and has done something.
const own = new Set();

function done({ target }) {
  const cell = target.closest?.("[data-cell]");
  if (!cell) return;
  own.add(cell);
  due.set(idOf(cell), 0);
  plan(gather);
}

function held(cell) {
  if (own.has(cell)) return false;
  if (cell.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (pressed && cell.contains(pressed)) return true;
  if (cell.querySelector("details[open], dialog[open], :popover-open")) return true;
  const selection = getSelection();
  return !!selection && !selection.isCollapsed && selection.containsNode(cell, true);
}

function release() {
  for (const [cell, fresh] of [...late]) {
    if (!cell.isConnected) late.delete(cell);
    else if (!held(cell)) renew(cell, fresh);
  }
}

export function start() {
  setInterval(() => those("[data-cell][data-poll]"), poll);
  addEventListener("pointerdown", ({ target }) => (pressed = target), { capture: true, passive: true });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => setTimeout(() => { pressed = null; release(); }), { capture: true, passive: true });
  }
  addEventListener("spool:done", done);
  for (const name of ["focusout", "selectionchange", "toggle"]) document.addEventListener(name, () => setTimeout(release), true);
  for (const name of ["scroll", "resize"]) addEventListener(name, () => plan(gather), { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => plan(0));
  document.addEventListener("spool:note", ({ target }) => { // what was asked for in a cell may have changed it
    const cell = target.closest("[data-cell]");
    if (cell) mark(idOf(cell));
  });
}
