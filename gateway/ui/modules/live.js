// The page of what happens: newest on top, at most 500 rows.
//
//   <ol data-live="POSITION">              its rows are as new as this
//     <li data-burst="…">                  a row; data-burst is what the server needs to count on in it
//   <button data-live-pause>               "Pause", or "3 new, show"
//
// An event makes the page ask for /live?…&since=POSITION&burst=… , at most four times a second: the words are the server's.
// Scrolling down or a key pauses.
