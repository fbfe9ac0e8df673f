// Light, dark, or as the system has it. The server keeps the choice in a cookie, so that no page flashes.
//
//   <html data-theme="dark">                  the choice; absent: as the system
//   <form action="/theme"><button name=theme value="dark">     dark, light or empty

export function start() {
  addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (form.getAttribute("action") !== "/theme" || !button) return;
    event.preventDefault();
    if (button.value) document.documentElement.dataset.theme = button.value;
    else delete document.documentElement.dataset.theme;
    for (const other of form.querySelectorAll("button")) {
      if (other === button) other.setAttribute("aria-pressed", "true");
      else other.removeAttribute("aria-pressed");
    }
    fetch("/theme", { method: "POST", body: new URLSearchParams(new FormData(form, button)), redirect: "manual" }).catch(() => form.submit());
  });
}
