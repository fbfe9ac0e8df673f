package stage

// openFlags are for systems with FIFOs and links.
const openFlags = 0
