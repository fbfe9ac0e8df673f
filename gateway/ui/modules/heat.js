// A heat map with the arrow keys: one tab stop, whose place the arrows, Home and End move.
//
//   <table data-heat>                           rows and cells as in any table
//     <td><a data-slot href="?slot=…" aria-label="Sun 22 Nov 02:30, missed, why">○</a></td>
//   <div data-heat-says aria-live=polite></div>   what stands at the slot's address in the same element is shown here, and the
//                                                 address of the page becomes that one
