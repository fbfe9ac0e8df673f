// What the browser keeps of how somebody likes the pages; nothing secret, and nothing in localStorage.

// keep keeps a value for a year; an empty one is forgotten.
export function keep(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax`;
}

// kept gives the value.
export const kept = (name) => document.cookie.split("; ").find((c) => c.startsWith(name + "="))?.slice(name.length + 1) ?? "";
