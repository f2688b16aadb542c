// Shows an edition that is being sent anew every few seconds, but not under the hands of somebody who types or tabs.
const seconds = Number(document.currentScript.dataset.seconds);

function isInUse() {
  const main = document.querySelector("main");
  const focused = document.activeElement;
  return Boolean(document.querySelector("details[open]")) || (focused !== main && focused !== document.body);
}

setInterval(() => {
  if (!isInUse()) location.reload();
}, seconds * 1000);
