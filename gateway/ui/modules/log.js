// The log of a run, while it grows.
//
//   <section data-log="/api/v2/results/TRIGGER/log" data-from="OFFSET" data-to="OFFSET" data-log-live>
//                                 from where to where, in bytes, the lines below were rendered; data-log-live: the run goes on
//     <input type=checkbox data-log-follow data-key=f checked>  <input type=checkbox data-log-wrap>
//     <input type=search data-log-find>  <span data-log-found></span>
//     <button data-log-older>       64 KiB before the first line; absent or hidden when data-from is 0
//     <ol data-log-lines tabindex=0>
//       <li data-at="OFFSET" id="L…"><a href="#L…"></a><code>text, <span class="ansi-red">colours as classes</span></code></li>
//     </ol>
//     <button data-log-new hidden>  says "42 new lines ↓" while the end is out of view
//     <p data-log-state role=status></p>
//   </section>
//
// data-at is the offset of a line in bytes, without it the line has no place yet. Colours are the classes ansi-black, -red, -green,
// -yellow, -blue, -magenta, -cyan, -white, ansi-bright, ansi-bold, ansi-dim, ansi-underline; other control bytes are shown as ␛ and
// the like. The page follows only while the end is in view. At most 20,000 lines stay; older ones go at the top.

import { el } from "./trust.js";

const most = 20000, piece = 64 * 1024, colours = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

let log = null;

// unseen is what would not show, or would turn the direction of a text; the server shows the same of it.
const unseen = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function sign(c) {
  const code = c.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `⟨${code.toString(16).toUpperCase()}⟩`;
}

// styled gives a line as nodes: colours as classes, other control bytes as signs.
export function styled(text, state = new Set()) {
  const nodes = [];
  let at = 0;
  const plain = (part) => {
    const shown = part.replace(unseen, sign);
    if (shown) nodes.push(state.size ? el("span", { class: [...state].map((s) => "ansi-" + s).join(" ") }, shown) : shown);
  };
  for (const m of text.matchAll(/\x1b\[([\d;]*)m/g)) {
    plain(text.slice(at, m.index));
    at = m.index + m[0].length;
    for (const n of m[1].split(";").map(Number)) paint(state, n);
  }
  plain(text.slice(at));
  return nodes;
}

function paint(state, n) {
  const styles = { 1: "bold", 2: "dim", 4: "underline" };
  const plain = () => [...colours, "bright"].forEach((c) => state.delete(c));
  if (n === 0) state.clear();
  else if (styles[n]) state.add(styles[n]);
  else if (n === 22) ["bold", "dim"].forEach((s) => state.delete(s));
  else if (n === 24) state.delete("underline");
  else if (n === 39) plain();
  else if ((n >= 30 && n < 38) || (n >= 90 && n < 98)) {
    plain();
    state.add(colours[n % 10]);
    if (n >= 90) state.add("bright");
  }
}

class Log {
  constructor(box) {
    const find = (name) => box.querySelector(`[data-log-${name}]`);
    Object.assign(this, { box, url: box.dataset.log, from: +box.dataset.from || 0, to: +box.dataset.to || 0, over: !("logLive" in box.dataset) });
    Object.assign(this, { list: find("lines"), follow: find("follow"), more: find("new"), older: find("older"), state: find("state"), box });
    Object.assign(this, { colour: new Set(), waiting: [], unseen: 0, source: null, timer: 0 });
    this.list.style.overflowAnchor = "none";
    this.list.addEventListener("scroll", () => this.atEnd() && this.seen(), { passive: true });
    this.more?.addEventListener("click", () => this.toEnd());
    this.follow?.addEventListener("change", () => this.follow.checked && this.toEnd());
    this.older?.addEventListener("click", (event) => {
      event.preventDefault(); // without this module it is a link
      if (!this.reading && !this.older.disabled) this.before();
    });
    find("wrap")?.addEventListener("change", ({ target }) => this.list.classList.toggle("wrap", target.checked));
    this.find(find("find"), find("found"));
    this.showOlder();
    this.toEnd();
    this.reach();
    addEventListener("hashchange", () => this.reach());
  }

  // reach shows the line that the address names, and reads the lines before it until it is there.
  async reach() {
    const number = +/^#L(\d+)$/.exec(location.hash)?.[1];
    while (number < numberOf(this.list.firstElementChild) && this.from && !this.older?.disabled && !this.reading) {
      const { from } = this;
      await this.before();
      if (this.from === from) break;
    }
    const line = number && document.getElementById("L" + number);
    if (!line) return;
    for (const li of this.list.querySelectorAll(".now")) li.classList.remove("now");
    line.classList.add("now");
    line.scrollIntoView({ block: "center" });
  }

  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    return scrollHeight - scrollTop - clientHeight < 32;
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.seen();
  }

  seen() {
    this.unseen = 0;
    if (this.more) this.more.hidden = true;
  }

  open() {
    if (this.over || this.source || document.hidden) return;
    const mine = (this.source = new EventSource(`${this.url}?follow=true&offset=${this.to}`));
    mine.addEventListener("line", ({ data, lastEventId }) => {
      this.to = +lastEventId || this.to;
      this.take(JSON.parse(data));
    });
    mine.addEventListener("latest", ({ data }) => this.take(JSON.parse(data)));
    mine.addEventListener("state", ({ data }) => this.say(JSON.parse(data).says));
    mine.addEventListener("end", ({ data }) => {
      const end = JSON.parse(data);
      this.close();
      this.say(end.says);
      this.over = !end.away;
      if (end.away) this.timer = setTimeout(() => this.open(), 3000);
    });
    mine.onerror = () => {
      if (mine.readyState !== EventSource.CLOSED || mine !== this.source) return;
      this.close();
      this.timer = setTimeout(() => this.open(), 3000);
    };
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  say(text) {
    if (this.state) this.state.textContent = text;
  }

  // take gathers lines: a page draws them together.
  take(line) {
    if (!this.waiting.push(line)) return;
    if (this.waiting.length === 1) setTimeout(() => this.draw(), 80);
  }

  draw() {
    const lines = this.waiting, end = this.atEnd();
    this.waiting = [];
    if (lines.some((l) => "offset" in l)) this.list.querySelectorAll("li:not([data-at])").forEach((li) => li.remove()); // they come again, in their place
    let number = numberOf(this.list.lastElementChild);
    if (!this.list.children.length && !this.from) number = 0;
    this.list.append(...lines.map((l) => this.line(l.text, l.offset, ++number)));
    const excess = this.list.childElementCount - most;
    if (excess > 0) this.drop(excess);
    if (end && (this.follow?.checked ?? true)) return this.toEnd();
    this.unseen += lines.length;
    if (this.more) {
      this.more.textContent = `${this.unseen} new ${this.unseen === 1 ? "line" : "lines"} ↓`;
      this.more.hidden = false;
    }
  }

  line(text, at, number) {
    const code = el("code", {}, ...styled(text.replace(/\r?\n$/, ""), this.colour));
    return number > 0 ? el("li", { "data-at": at, id: "L" + number }, el("a", { href: "#L" + number }, String(number)), code) : el("li", { "data-at": at }, code);
  }

  drop(n) {
    const range = document.createRange(), height = this.list.scrollHeight;
    range.setStartBefore(this.list.firstElementChild);
    range.setEndAfter(this.list.children[n - 1]);
    range.deleteContents();
    this.list.scrollTop -= height - this.list.scrollHeight;
    this.from = +this.list.firstElementChild.dataset.at || this.from;
    this.showOlder();
  }

  showOlder() {
    if (!this.older) return;
    this.older.hidden = !this.from;
    this.older.disabled = this.list.childElementCount >= most;
    if (this.older.disabled) this.older.textContent = `${most.toLocaleString("en")} lines are shown; the file has all`;
  }

  // before puts the lines before the first one there, and what one reads stays where it is.
  async before() {
    const begin = Math.max(0, this.from - piece);
    this.reading = true;
    try {
      const answer = await fetch(this.url, { headers: { Range: `bytes=${begin}-${this.from - 1}` } });
      if (answer.status !== 206) throw new Error(answer.status);
      const bytes = new Uint8Array(await answer.arrayBuffer()), cut = begin ? bytes.indexOf(10) + 1 : 0;
      const lines = new TextDecoder().decode(bytes.subarray(cut)).split("\n").slice(0, -1), colour = new Set(), encoder = new TextEncoder();
      let at = begin + cut, number = numberOf(this.list.firstElementChild) - lines.length;
      const kept = this.colour;
      this.colour = colour;
      const nodes = lines.map((text) => {
        const li = this.line(text, at, number++);
        at += encoder.encode(text).length + 1;
        return li;
      });
      this.colour = kept;
      const height = this.list.scrollHeight, top = this.list.scrollTop;
      const shown = nodes.slice(Math.max(0, nodes.length + this.list.childElementCount - most));
      this.list.prepend(...shown);
      this.list.scrollTop = top + this.list.scrollHeight - height;
      this.from = shown.length < nodes.length ? +this.list.firstElementChild.dataset.at || 1 : begin + cut;
    } catch {
      this.say("Older lines cannot be read now: try again.");
    }
    this.reading = false;
    this.showOlder();
  }

  // find marks a text in the lines that are there; Enter goes to the next one.
  find(field, found) {
    if (!field) return;
    let hits = [], at = -1, timer = 0;
    const look = () => {
      const text = field.value.toLowerCase();
      hits = text ? [...this.list.children].filter((li) => li.lastElementChild.textContent.toLowerCase().includes(text)) : [];
      at = -1;
      for (const li of this.list.querySelectorAll(".hit")) li.classList.remove("hit", "now");
      for (const li of hits) li.classList.add("hit");
      if (found) found.textContent = text ? `${hits.length.toLocaleString("en")} of ${this.list.childElementCount.toLocaleString("en")} lines` : "";
    };
    const go = (by) => {
      if (!hits.length) return;
      hits[at]?.classList.remove("now");
      at = (at + by + hits.length) % hits.length;
      hits[at].classList.add("now");
      hits[at].scrollIntoView({ block: "center" });
    };
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => { look(); go(1); }, 150);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    });
  }
}

const numberOf = (li) => +/^L(\d+)$/.exec(li?.id ?? "")?.[1] || -Infinity;

export function start() {
  const box = document.querySelector("[data-log]");
  if (!box) return;
  log = new Log(box);
  log.open();
  document.addEventListener("visibilitychange", () => (document.hidden ? log.close() : log.open()));
  addEventListener("pagehide", () => log.close());
}
