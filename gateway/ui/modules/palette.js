// Search: a name is typed, and one is there.
//
//   <form action="/jobs" role=search><input name=q type=search data-search></form>   in the bar; a plain form without this
//   data-clear on a button empties the field beside it and sends its form

import { el } from "./trust.js";

const wait = 120, most = 8;

let asking = null, timer = 0, picked = -1;

function prepare(input) {
  const list = el("ul", { id: "search-found", role: "listbox", class: "found", hidden: true });
  input.closest("form").append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": list.id, "aria-expanded": "false", "aria-autocomplete": "list", autocomplete: "off" })) input.setAttribute(name, value);
  const close = () => {
    list.hidden = true;
    picked = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const pick = (to) => {
    const options = [...list.children];
    picked = (to + options.length) % options.length;
    options.forEach((o, i) => o.setAttribute("aria-selected", i === picked));
    input.setAttribute("aria-activedescendant", options[picked].id);
    options[picked].scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    asking?.abort();
    if (!input.value.trim()) return close();
    timer = setTimeout(async () => {
      asking = new AbortController();
      try {
        const found = await find(input.value.trim(), asking.signal);
        list.replaceChildren(...found.map(([href, name, what], i) => el("li", { role: "option", id: "search-" + i, "aria-selected": "false" }, el("a", { href, tabindex: -1 }, name, " ", el("small", {}, what)))));
        picked = -1;
        list.hidden = !found.length;
        input.setAttribute("aria-expanded", String(!list.hidden));
      } catch { /* a newer question is on its way */ }
    }, wait);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (list.hidden) input.blur();
      return close();
    }
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      pick(picked + (event.key === "ArrowDown" ? 1 : picked < 0 ? 0 : -1));
    }
  });
  input.form.addEventListener("submit", (event) => {
    if (list.hidden || picked < 0) return;
    event.preventDefault();
    list.children[picked].querySelector("a").click();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays, and the click counts
  input.addEventListener("blur", close);
}

async function find(q, signal) {
  const pages = [...document.querySelectorAll("nav a[href^='/']")].map((a) => [a.getAttribute("href"), a.textContent.trim(), "page"]);
  const answer = await fetch(`/api/v2/jobs?sort=name&limit=${most}&q=${encodeURIComponent(q)}`, { signal });
  const jobs = answer.ok ? (await answer.json()).jobs : [];
  return [...jobs.map((j) => [`/jobs/${j.job_id}`, j.name, "job"]), ...pages.filter(([, name]) => name.toLowerCase().startsWith(q.toLowerCase()))];
}

export function start() {
  const input = document.querySelector("[data-search]");
  if (input) prepare(input);
  addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-clear]");
    if (!button) return;
    const field = button.parentElement.querySelector("input");
    field.value = "";
    field.form.requestSubmit();
  });
}
