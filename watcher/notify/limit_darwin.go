package notify

// watchLimit is the number of entries above which a folder is polled: kqueue needs an open file for each.
const watchLimit = 200
