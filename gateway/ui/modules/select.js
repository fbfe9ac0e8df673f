// Many chosen at once.
//
//   <form data-select>                          or any element around the rows
//     <input type=checkbox data-pick-all>       all on this page
//     <input type=checkbox name=id value=… data-pick>   one; with Shift all from the one before
//     <div data-picked hidden>                  the bar; is there while something is chosen
//       <span data-picked-count></span>         how many
//     <input type=checkbox name=all data-pick-filter>   all that match the filter, more than this page; data-count says how many

let last = null;

function count(area) {
  const picks = [...area.querySelectorAll("[data-pick]")], n = picks.filter((p) => p.checked).length;
  const filter = area.querySelector("[data-pick-filter]"), all = area.querySelector("[data-pick-all]");
  if (all) {
    all.checked = n > 0 && n === picks.length;
    all.indeterminate = n > 0 && n < picks.length;
  }
  for (const bar of area.querySelectorAll("[data-picked]")) bar.hidden = !n && !filter?.checked;
  for (const e of area.querySelectorAll("[data-picked-count]")) e.textContent = filter?.checked ? filter.dataset.count : n;
}

export function start() {
  addEventListener("click", (event) => {
    const pick = event.target, area = pick.closest?.("[data-select]");
    if (!area || !pick.matches("[data-pick]")) return;
    const picks = [...area.querySelectorAll("[data-pick]")], [a, b] = [picks.indexOf(last), picks.indexOf(pick)].sort((x, y) => x - y);
    if (event.shiftKey && a >= 0) for (const p of picks.slice(a, b)) p.checked = pick.checked;
    last = pick;
  });
  addEventListener("change", ({ target }) => {
    const area = target.closest("[data-select]");
    if (!area) return;
    if (target.matches("[data-pick-all]")) for (const p of area.querySelectorAll("[data-pick]")) p.checked = target.checked;
    if (target.matches("[data-pick], [data-pick-all], [data-pick-filter]")) count(area);
  });
  const prepare = () => document.querySelectorAll("[data-select]").forEach(count);
  prepare();
  for (const name of ["spool:main", "spool:cells"]) document.addEventListener(name, prepare);
  addEventListener("pageshow", prepare); // Back brings the marks back
}
