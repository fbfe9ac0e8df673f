package ui

import "net/http"

// policy lets a page use what this server sends and nothing else; no text becomes markup
// or script but by the one Trusted Types policy of our modules.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types spool"

// secure sets the headers of everything that a browser shows.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Without an origin in our own posts http.CrossOriginProtection could not tell them
	// from those of others, where a browser sends no Sec-Fetch-Site: no-referrer would hide it.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
