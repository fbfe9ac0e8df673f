// The script of the dashboard. Pages work without it; with it they are live. One file a concern: the comment at the
// head of each names the attributes that markup asks it with. `make generate` joins them into ../assets/spool.js.

import * as cells from "./cells.js";
import * as clock from "./clock.js";
import * as forms from "./forms.js";
import * as theme from "./theme.js";

clock.start(cells.minute);
cells.start();
forms.start();
theme.start();
