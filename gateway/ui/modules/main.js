// The script of the dashboard. Pages work without it; with it they are live. One file a concern: the comment at the
// head of each names the attributes that markup asks it with. `make generate` joins them into ../assets/spool.js.

import * as back from "./back.js";
import * as cells from "./cells.js";
import * as clock from "./clock.js";
import * as copy from "./copy.js";
import * as forms from "./forms.js";
import * as heat from "./heat.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as log from "./log.js";
import * as login from "./login.js";
import * as palette from "./palette.js";
import * as preview from "./preview.js";
import * as select from "./select.js";
import * as stream from "./stream.js";
import * as theme from "./theme.js";
import * as upload from "./upload.js";

clock.start(cells.minute);
for (const part of [login, forms, theme, keys, palette, select, heat, preview, upload, log, live, copy, cells, back]) part.start();
stream.start({
  event(kind, event) {
    cells.event(event);
    live.event(kind, event);
  },
  back() {
    cells.all();
    live.back();
  },
});
