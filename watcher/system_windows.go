package watcher

const openFlags = 0

// watchLimit is the number of entries above which a folder is polled; 0 = never.
const watchLimit = 0
