// A heat map with the arrow keys: one tab stop, whose place the arrows, Home and End move.
//
//   <table data-heat>                           rows and cells as in any table
//     <td><a data-slot href="?slot=…" aria-label="Sun 22 Nov 02:30, missed, why">○</a></td>
//   <div data-heat-says aria-live=polite></div>   what stands at the slot's address in the same element is shown here, and the
//                                                 address of the page becomes that one

import { dress } from "./clock.js";
import { parse, take } from "./trust.js";

// rove leaves one slot of a map in the order of the tab key.
function rove(table, slot) {
  for (const other of table.querySelectorAll("[data-slot]")) other.tabIndex = -1;
  slot.tabIndex = 0;
}

// step gives the slot that an arrow leads to from a cell.
function step(table, cell, key) {
  const slots = (row) => [...row.cells].filter((c) => c.querySelector("[data-slot]"));
  const row = cell.parentElement, here = slots(row), at = here.indexOf(cell);
  const flat = { ArrowRight: here[at + 1], ArrowLeft: here[at - 1], Home: here[0], End: here.at(-1) };
  if (key in flat) return flat[key];
  const rows = [...table.rows].filter((r) => slots(r).length), to = rows[rows.indexOf(row) + (key === "ArrowDown" ? 1 : -1)];
  return to && slots(to).reduce((best, c) => (Math.abs(c.cellIndex - cell.cellIndex) < Math.abs(best.cellIndex - cell.cellIndex) ? c : best));
}

async function tell(link) {
  const place = document.querySelector("[data-heat-says]");
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  const fresh = parse(await answer.text()).querySelector("[data-heat-says]");
  if (!fresh) return location.assign(link.href);
  place.replaceChildren(take(fresh));
  dress(place);
  history.replaceState(null, "", link.href);
  for (const other of document.querySelectorAll("[data-slot][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

export function start() {
  const prepare = () => {
    for (const table of document.querySelectorAll("[data-heat]")) {
      const slots = table.querySelectorAll("[data-slot]");
      if (slots.length && !table.querySelector("[data-slot][tabindex='0']")) rove(table, table.querySelector("[data-slot][aria-current]") ?? slots[0]);
    }
  };
  prepare();
  document.addEventListener("spool:main", prepare);
  document.addEventListener("spool:cells", prepare);
  addEventListener("focusin", ({ target }) => target.matches?.("[data-heat] [data-slot]") && rove(target.closest("table"), target));
  addEventListener("keydown", (event) => {
    const slot = event.target.closest?.("[data-heat] [data-slot]");
    if (!slot || event.altKey || event.ctrlKey || event.metaKey || !/^(Arrow|Home$|End$)/.test(event.key)) return;
    event.preventDefault();
    step(slot.closest("table"), slot.closest("td,th"), event.key)?.querySelector("[data-slot]").focus();
  });
  addEventListener("click", (event) => {
    const slot = event.target.closest?.("[data-heat] a[data-slot]");
    if (!slot || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button || !document.querySelector("[data-heat-says]")) return;
    event.preventDefault();
    tell(slot).catch(() => location.assign(slot.href));
  });
}
