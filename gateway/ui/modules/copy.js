// Copying what stands in a control.
//
//   <button data-copy="ID" hidden>Copy</button>   copies the text of the control with that id, and says so in itself

export function start() {
  const dress = () => document.querySelectorAll("[data-copy][hidden]").forEach((b) => (b.hidden = false));
  dress();
  document.addEventListener("spool:main", dress);
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("[data-copy]"), from = button && document.getElementById(button.dataset.copy);
    if (!from) return;
    let did = true;
    try {
      await navigator.clipboard.writeText(from.value);
    } catch { // without TLS there is no clipboard but this
      from.select();
      did = document.execCommand("copy");
    }
    button.textContent = did ? "Copied" : "Select the text, and copy it";
  });
}
