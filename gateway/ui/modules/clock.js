// Times, by the clock of the server: how long ago, in how long, and what time it is where the reader is.
//
//   <body data-now="2026-11-24T14:03:12.250Z">   when the server rendered the page
//   <time datetime="2026-11-24T02:30:00+01:00">Tue 24 Nov 02:30 CET</time>
//       gets " · 10:30 here" when the reader's clock shows another hour; the offset in datetime is that of the zone
//       in the text. data-plain: gets nothing.
//   <time datetime="…" data-rel>in 11 h 27 min</time>   is kept right; what is past never becomes "in …" again
//   <time datetime="…" data-for>4 min</time>            how long it lasts since then
//   <span data-clock="UTC">14:03:12 UTC</span>          ticks; data-clock="here": the reader's, where it shows another hour

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

let offset = 0; // what the server's clock is ahead of this one, in ms

// now is the server's time.
export const now = () => Date.now() + offset;

// words says how long something lasts, as the server does: "12 s", "27 min", "11 h 27 min", "40 h", "4 days".
export function words(ms) {
  if (ms < 59500) return `${Math.round(ms / second)} s`;
  if (ms < hour - 30 * second) return `${Math.round(ms / minute)} min`;
  if (ms < day) {
    const all = Math.round(ms / minute), rest = all % 60;
    return `${Math.floor(all / 60)} h` + (rest ? ` ${rest} min` : "");
  }
  return ms < 3 * day ? `${Math.round(ms / hour)} h` : `${Math.round(ms / day)} days`;
}

function rel(t, at) {
  const ms = Date.parse(t.dateTime) - at;
  if (ms <= 0 || t.textContent.endsWith("ago")) t.dataset.rel = "past";
  if (t.dataset.rel !== "past") return "in " + words(ms);
  return ms > -second ? "now" : words(Math.max(0, -ms)) + " ago";
}

const zone = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const ticking = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

// here says what the reader's clock shows, empty when it shows the same.
function here(t) {
  const date = new Date(t.dateTime), sign = /([+-])(\d\d):(\d\d)$/.exec(t.dateTime);
  const theirs = sign ? (sign[1] === "-" ? -1 : 1) * (60 * sign[2] + +sign[3]) : 0, ours = -date.getTimezoneOffset();
  if (isNaN(date) || theirs === ours) return "";
  const part = Object.fromEntries(zone.formatToParts(date).map((p) => [p.type, p.value]));
  const there = new Date(+date + theirs * minute).getUTCDate();
  return ` · ${there === date.getDate() ? "" : part.weekday + " "}${part.hour}:${part.minute} here`;
}

// dress adds to the times below a node what the server cannot know.
export function dress(root) {
  for (const t of root.querySelectorAll("time[datetime]:not([data-rel],[data-for],[data-plain])")) {
    if (t.querySelector(".here")) continue;
    const text = here(t);
    if (!text) continue;
    const span = t.ownerDocument.createElement("span");
    span.className = "here";
    span.textContent = text;
    t.append(span);
  }
  tick(root);
}

function tick(root) {
  const at = now();
  for (const t of root.querySelectorAll("time[data-rel],time[data-for]")) {
    const text = "rel" in t.dataset ? rel(t, at) : words(Math.max(0, at - Date.parse(t.dateTime)));
    if (t.textContent !== text) t.textContent = text;
  }
  for (const t of root.querySelectorAll("[data-clock]")) {
    const ours = t.dataset.clock === "here";
    t.textContent = ours ? ` · ${ticking.format(at).slice(0, 5)} here` : new Date(at).toISOString().slice(11, 19) + " UTC";
    t.hidden = ours && !new Date(at).getTimezoneOffset();
  }
}

// start keeps the times of the page, and calls each minute at the beginning of a minute of the server.
export function start(each) {
  const rendered = Date.parse(document.body.dataset.now), seen = performance.getEntriesByType("navigation")[0]?.responseStart;
  if (rendered && seen) offset = rendered - (Date.now() - (performance.now() - seen));
  let last = Math.floor(now() / minute);
  dress(document);
  setInterval(() => {
    if (document.hidden) return;
    tick(document);
    const m = Math.floor(now() / minute);
    if (m !== last) each();
    last = m;
  }, second);
}
