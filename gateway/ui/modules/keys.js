// Keys. `?` lists them; those of a single character can be switched off there, which a cookie keeps (WCAG 2.1.4).
//
//   / search · g o|j|r|d|l|s go · j k row · Enter open · r Run now (asks) · e edit · f follow the log · Esc
//
//   <tr data-row>                      what j and k move through: they focus its first link, or the row itself
//   data-key="r"                       on a button, link or box: the key that presses it; of the row with the focus, else of the page
//   <button data-keys-help>            shows the list, for those who have not heard of `?`
