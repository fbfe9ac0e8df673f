// Back to a page: the focus goes where it was. The link that was followed is kept in the entry of the history.

const nameOf = (link) => (link.closest("[id]") ? `#${CSS.escape(link.closest("[id]").id)} ` : "") + `a[href="${CSS.escape(link.getAttribute("href"))}"]`;

export function start() {
  addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href]");
    if (link) history.replaceState({ ...history.state, link: nameOf(link) }, "");
  }, true);
  const link = history.state?.link;
  if (link && performance.getEntriesByType("navigation")[0]?.type === "back_forward") document.querySelector(link)?.focus({ preventScroll: true });
}
