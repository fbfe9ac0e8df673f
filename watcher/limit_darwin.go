package watcher

// watchLimit is the number of entries above which a folder is polled: kqueue
// takes an open file for each.
const watchLimit = 200
