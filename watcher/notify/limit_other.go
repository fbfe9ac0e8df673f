//go:build !darwin

package notify

// watchLimit is the number of entries above which a folder is polled; 0 = never.
const watchLimit = 0
