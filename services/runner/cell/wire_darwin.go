package cell

const recvFlags = 0
