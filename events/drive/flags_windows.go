package drive

// Links are told by a look before and after; there are no pipes to wait for.
const noFollow, nonBlock = 0, 0
