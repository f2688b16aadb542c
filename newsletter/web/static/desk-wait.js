// Loads a page anew every few seconds, as long as something goes on that it shows; but not under the hands of somebody
// who types or tabs there.
"use strict";
const { seconds } = document.currentScript.dataset;

function isInUse() {
  const focused = document.activeElement;
  return focused !== document.querySelector("main") && focused !== document.body;
}

setInterval(() => {
  if (!isInUse()) location.reload();
}, Number(seconds) * 1000);
