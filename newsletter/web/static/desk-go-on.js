// Presses the one button of a page that only leads on.
"use strict";
document.querySelector("form[data-go-on]").requestSubmit();
