// Search: a name is typed, and one is there.
//
//   <form action="/jobs" role=search><input name=q type=search data-search></form>   in the bar; a plain form without this
//   data-clear on a button empties the field beside it and sends its form
