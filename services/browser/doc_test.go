// Package browser tries the dashboard as its users do: in a real Chromium, against a real
// server that runs as a process of its own. It has tests only, one for each of the
// statements that the page is judged by (S1, S2, …), in a file for each page.
package browser
