// The one place where text becomes nodes. What the server sends is parsed into a document of its own, in which
// nothing runs and nothing loads; the page takes from there what it shows.

// make is the policy `spool`, which the Content-Security-Policy allows by name: no other can be made.
const make = globalThis.trustedTypes?.createPolicy("spool", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

// parse reads HTML of this server.
export function parse(text) {
  return new DOMParser().parseFromString(make.createHTML(text), "text/html");
}

// take gives the children of an element of another document to this page.
export function take(from) {
  const fragment = document.createDocumentFragment();
  for (const child of [...from.childNodes]) fragment.append(document.adoptNode(child));
  return fragment;
}

// el makes an element: el("a", {href: "/jobs", class: "x"}, "text", other).
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) e.setAttribute(key, "");
    else if (value !== false && value != null) e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
}
