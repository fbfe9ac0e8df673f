// What a form would make, from the server, 300 ms after the last change.
//
//   <form data-preview="/jobs/preview">         its fields are posted there with the header Spool-Note: 1
//   <section data-preview-here>                 takes the children of the element of this name in the answer, or the whole answer

import { dress } from "./clock.js";
import { parse, take } from "./trust.js";

const wait = 300;

let timer = 0, asking = null;

async function preview(form) {
  asking?.abort();
  asking = new AbortController();
  const place = document.querySelector("[data-preview-here]");
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "Spool-Note": "1" }, signal: asking.signal });
    const page = parse(await answer.text());
    if (!answer.ok && answer.status !== 422) return;
    place.replaceChildren(take(page.querySelector("[data-preview-here]") ?? page.body));
    dress(place);
  } catch { /* a newer one is on its way, or the server is away: what stands there stays */ }
}

export function start() {
  addEventListener("input", ({ target }) => {
    const form = target.form;
    if (!form?.matches("[data-preview]")) return;
    clearTimeout(timer);
    timer = setTimeout(preview, wait, form);
  });
}
