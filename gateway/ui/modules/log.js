// The log of a run, while it grows.
//
//   <section data-log="/api/v2/results/TRIGGER/log" data-from="OFFSET" data-to="OFFSET" data-live>
//                                 from where to where, in bytes, the lines below were rendered; data-live: the run goes on
//     <input type=checkbox data-log-follow data-key=f checked>  <input type=checkbox data-log-wrap>
//     <input type=search data-log-find>  <span data-log-found></span>
//     <button data-log-older>       64 KiB before the first line; absent or hidden when data-from is 0
//     <ol data-log-lines tabindex=0>
//       <li data-at="OFFSET" id="L…"><a href="#L…"></a><code>text, <span class="ansi-red">colours as classes</span></code></li>
//     </ol>
//     <button data-log-new hidden>  says "42 new lines ↓" while the end is out of view
//     <p data-log-state role=status></p>
//   </section>
//
// data-at is the offset of a line in bytes, without it the line has no place yet. Colours are the classes ansi-black, -red, -green,
// -yellow, -blue, -magenta, -cyan, -white, ansi-bright, ansi-bold, ansi-dim, ansi-underline; other control bytes are shown as ␛ and
// the like. The page follows only while the end is in view. At most 20,000 lines stay; older ones go at the top.
