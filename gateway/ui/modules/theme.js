// Light, dark, or as the system has it; kept in a cookie, so that the server renders it and nothing flashes.
//
//   <html data-theme="dark">                  the choice; absent: as the system
//   <button data-theme-choice="dark">         dark, light or auto

import { keep } from "./cookie.js";

export function start() {
  addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-theme-choice]");
    if (!button) return;
    const choice = button.dataset.themeChoice;
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    keep("spool_theme", choice === "auto" ? "" : choice);
    for (const other of document.querySelectorAll("[data-theme-choice]")) other.setAttribute("aria-pressed", other === button);
  });
}
