// Files dropped on a page, or chosen.
//
//   <section data-drop="admin/repo/fs/Demo/in">      takes files; they are put into this folder, PUT /api/v2/files/FOLDER/NAME
//     <input type=file multiple data-choose>         the button for those who do not drop
//     <ul data-uploads></ul>                         one line for each file: name, how far, [cancel], and what came of it
//     <p data-note role=status></p>                  what the drop as a whole came to
//   </section>
//   data-after="/jobs/ID/files?path="                on the section: where a file's timeline is; the path is put behind it,
//                                                    and what stands there in [data-timeline] is shown in this page's [data-timeline]
//
// A name that is taken is never replaced without asking: replace, keep both, skip. Two files of one name in a drop are told before.
