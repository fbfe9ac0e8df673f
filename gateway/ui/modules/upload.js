// Files dropped on a page, or chosen.
//
//   <section data-drop="admin/repo/fs/Demo/in">      takes files; they are put into this folder, PUT /api/v2/files/FOLDER/NAME
//     <input type=file multiple data-choose>         the button for those who do not drop
//     <ul data-uploads></ul>                         one line for each file: name, how far, [cancel], and what came of it
//     <p data-note role=status></p>                  what the drop as a whole came to
//   </section>
//   data-after="/jobs/ID/files?path="                on the section: where a file's timeline is; the path is put behind it,
//                                                    and what stands there in [data-timeline] is shown in this page's [data-timeline]
//
// A name that is taken is never replaced without asking: replace, keep both, skip. Two files of one name in a drop are told before.

import { dress } from "./clock.js";
import { ask, login } from "./dialog.js";
import { note } from "./forms.js";
import { el, parse, take } from "./trust.js";

const atOnce = 2, taken = 412;

const queue = [];
let running = 0;

// size says how much something is: "2.1 GB".
export function size(n) {
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (n < 1000 || unit === "GB") return `${n < 10 && unit !== "bytes" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
}

const encode = (path) => path.split("/").map(encodeURIComponent).join("/");

// add takes files for a zone, after it was asked what is to become of two of one name.
async function add(zone, files, folders) {
  const names = new Map(), twice = new Set();
  for (const f of files) names.has(f.name) ? twice.add(f.name) : names.set(f.name, f);
  if (twice.size && !(await ask(`Two files are named ${[...twice].slice(0, 3).join(", ")}\nThe second gets another name.`, "Keep both"))) return;
  if (folders) note(zone, `${folders === 1 ? "A folder was" : folders + " folders were"} left out: drop the files in it.`);
  const seen = new Set();
  for (const file of files) {
    const job = { zone, file, how: seen.has(file.name) ? "both" : "new", alone: files.length === 1 };
    seen.add(file.name);
    row(job);
    queue.push(job);
  }
  next();
}

function row(job) {
  job.bar = el("progress", { max: 1, value: 0, "aria-label": job.file.name });
  job.says = el("span", {}, "waits");
  job.buttons = el("span", {});
  job.row = el("li", {}, el("b", {}, job.file.name), " ", job.bar, " ", job.says, " ", job.buttons);
  job.zone.querySelector("[data-uploads]").append(job.row);
  buttons(job, ["Cancel", () => stop(job)]);
}

function buttons(job, ...of) {
  job.buttons.replaceChildren(...of.map(([label, press]) => {
    const b = el("button", { type: "button", "aria-label": `${label}, ${job.file.name}` }, label);
    b.addEventListener("click", press);
    return b;
  }));
}

function stop(job) {
  const at = queue.indexOf(job);
  if (at >= 0) queue.splice(at, 1);
  job.request?.abort();
  end(job, "cancelled: nothing of it is there");
}

function end(job, text, ...more) {
  job.bar.remove();
  job.says.textContent = text;
  buttons(job, ...more);
}

function next() {
  while (running < atOnce && queue.length) {
    const job = queue.shift();
    running++;
    put(job).finally(() => {
      running--;
      next();
    });
  }
}

// again puts a file once more, in another way.
function again(job, how) {
  job.how = how;
  job.row.remove();
  row(job);
  queue.push(job);
  next();
}

async function put(job) {
  const path = `${job.zone.dataset.drop}/${job.file.name}`;
  const request = (job.request = new XMLHttpRequest());
  // Asked before: a server that refuses what it is still being sent is heard as a broken connection.
  if (job.how === "new" && (await fetch("/api/v2/files/" + encode(path), { method: "HEAD" }).then((answer) => answer.ok, () => false))) return conflict(job);
  if (!job.bar.isConnected) return; // cancelled meanwhile
  request.open("PUT", "/api/v2/files/" + encode(path) + (job.how === "both" ? "?rename=keep-both" : ""));
  request.setRequestHeader("Content-Type", "application/octet-stream");
  if (job.how === "new") request.setRequestHeader("If-None-Match", "*");
  request.upload.onprogress = ({ loaded, total }) => {
    job.bar.value = total ? loaded / total : 1;
    job.says.textContent = loaded === total ? "is stored" : `${Math.floor((100 * loaded) / total)} % of ${size(total)}`;
  };
  return new Promise((resolve) => {
    request.onloadend = () => resolve(ended(job, path, request));
    request.send(job.file);
  });
}

async function ended(job, path, request) {
  const retry = ["Send again", () => again(job, job.how)];
  if (!job.row.isConnected || job.says.textContent.startsWith("cancelled")) return;
  switch (request.status) {
    case 0:
      return end(job, navigator.onLine === false ? "not sent: this computer is offline" : "not sent: the connection broke, and nothing of it is there", retry);
    case 201: case 204:
      return stored(job, request.status === 201 ? JSON.parse(request.responseText).path : path);
    case 401:
      return (await login()) ? again(job, job.how) : end(job, "not sent: you are signed out", retry);
    case taken:
      return conflict(job);
  }
  let why = `the answer was ${request.status}`;
  try { why = JSON.parse(request.responseText).detail ?? why; } catch { /* no problem object */ }
  end(job, "not sent: " + why, retry);
}

function conflict(job) {
  const skip = ["Skip", () => end(job, "skipped: the file that was there stays")];
  end(job, "a file of this name is there:", ["Replace", () => again(job, "replace")], ["Keep both", () => again(job, "both")], skip);
}

async function stored(job, path) {
  end(job, path.endsWith("/" + job.file.name) ? `is there, ${size(job.file.size)}` : `is there as ${path.split("/").pop()}`);
  note(job.zone, `${path.split("/").pop()} is there.`);
  const after = job.zone.dataset.after;
  if (!after) return;
  job.buttons.append(el("a", { href: after + encodeURIComponent(path) }, "What becomes of it"));
  const place = document.querySelector("[data-timeline]");
  if (!job.alone || !place) return;
  const answer = await fetch(after + encodeURIComponent(path), { headers: { Accept: "text/html" } });
  const fresh = parse(await answer.text()).querySelector("[data-timeline]");
  if (!answer.ok || !fresh) return;
  place.replaceChildren(take(fresh));
  dress(place);
  history.replaceState(null, "", after + encodeURIComponent(path));
}

export function start() {
  const zoneOf = (event) => event.target.closest?.("[data-drop]");
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    addEventListener(name, (event) => {
      if (!carries(event)) return;
      event.preventDefault(); // beside a zone nothing happens, rather than the file taking the place of the page
      const zone = zoneOf(event);
      event.dataTransfer.dropEffect = zone ? "copy" : "none";
      for (const other of document.querySelectorAll("[data-drop]")) other.classList.toggle("over", other === zone);
    });
  }
  for (const name of ["dragleave", "drop"]) {
    addEventListener(name, (event) => event.relatedTarget?.closest?.("[data-drop]") || document.querySelector(".over")?.classList.remove("over"));
  }
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    const zone = zoneOf(event), items = [...event.dataTransfer.items].filter((i) => i.kind === "file");
    const files = items.filter((i) => !i.webkitGetAsEntry?.()?.isDirectory).map((i) => i.getAsFile());
    if (zone) add(zone, files, items.length - files.length);
  });
  addEventListener("change", ({ target }) => {
    if (!target.matches("[data-choose]")) return;
    const files = [...target.files];
    target.value = "";
    add(target.closest("[data-drop]"), files, 0);
  });
  addEventListener("beforeunload", (event) => running && event.preventDefault());
}
