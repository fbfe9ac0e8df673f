// What a form would make, from the server, 300 ms after the last change.
//
//   <form data-preview="/jobs/preview">         its fields are posted there with the header Spool-Note: 1
//   <section data-preview-here>                 takes the children of the element of this name in the answer, or the whole answer
