// Many chosen at once.
//
//   <form data-select>                          or any element around the rows
//     <input type=checkbox data-pick-all>       all on this page
//     <input type=checkbox name=id value=… data-pick>   one; with Shift all from the one before
//     <div data-picked hidden>                  the bar; is there while something is chosen
//       <span data-picked-count></span>         how many
//     <input type=checkbox name=all data-pick-filter>   all that match the filter, more than this page; data-count says how many
