// Package files answers /api/v2/files: the files and folders of the drives,
// over HTTP. GET gives a file, whole or in ranges, or lists a folder; PUT drops
// a file; DELETE takes it away.
//
// Guarantees:
//
//   - Nothing leaves its drive: neither ".." nor a symbolic link that points
//     outside is followed, whoever made it and whenever (package drive).
//   - A file appears under its name whole or not at all. It is received under a
//     temporary name that the watcher ignores, in the folder where it will lie
//     or the nearest that exists; 204 means that the file, its name and the
//     folders made for it are on disk.
//   - Of several PUTs of one name at once the last to end wins; contents never
//     mix. With If-None-Match: * exactly one of them wins; with rename=keep-both
//     each gets a name of its own.
//   - A file is an attachment, in a sandbox: no browser shows it as a page of this
//     server.
//   - A client that goes away, stalls or sends too much leaves nothing behind. A
//     server that dies leaves a temporary file; a later PUT into that folder,
//     by another process and an hour later, removes it.
//   - A listing holds the memory of one page, however large the folder is. Pages
//     are in the order of the names' bytes; a file that stays is listed exactly
//     once, whatever else comes and goes meanwhile.
//   - The folders in which the watcher stages files ("/.spool/") and temporary
//     files do not exist for this API: they answer 404, to writers too, also
//     where a link leads to them.
//   - A path that the caller's token does not reach, or that a link leads to, is
//     refused in the same words whatever lies there.
package files
