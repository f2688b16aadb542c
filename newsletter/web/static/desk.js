// Shows how an edition that is being sent gets on, without loading its page anew: by a stream of events, or by asking
// every few seconds where there is none. When its state changes, the page is loaded anew, but not under the hands of
// somebody who types or tabs: they are told instead.
const watched = document.querySelector("[data-events]");
const seconds = Number(watched.dataset.seconds);
const state = watched.dataset.state;
let asking = 0;

function isInUse() {
  const main = document.querySelector("main");
  const focused = document.activeElement;
  return Boolean(document.querySelector("details[open]")) || (focused !== main && focused !== document.body);
}

function write(name, text) {
  for (const each of document.querySelectorAll(`[data-shows="${name}"]`)) {
    if (each.textContent !== text) each.textContent = text;
  }
}

function show(told) {
  if (told.state !== state || told.note !== (watched.dataset.note || null)) {
    if (!isInUse()) location.reload();
    else document.getElementById("moved-on").hidden = false;
    return;
  }
  const bar = watched.querySelector("progress");
  bar.max = told.total;
  bar.value = told.done;
  write("line", told.line);
  write("pace", told.pace);
  write("why-skipped", told.skipped_words || "nobody");
  write("highest", told.highest);
  for (const [name, number] of Object.entries(told.counts)) write(name, number);
  const drawn = document.getElementById("rate-drawing");
  drawn.hidden = told.drawing === "";
  drawn.querySelector("polyline").setAttribute("points", told.drawing);
}

async function ask() {
  try {
    const answer = await fetch(watched.dataset.asks, { headers: { Accept: "application/json" }, redirect: "error" });
    if (answer.ok) show(await answer.json());
  } catch {
    // Out of reach just now: the next one may be answered.
  }
}

function askNow() {
  if (asking) return;
  asking = setInterval(ask, seconds * 1000);
  ask();
}

if ("EventSource" in window) {
  const stream = new EventSource(watched.dataset.events);
  stream.onmessage = (event) => show(JSON.parse(event.data));
  // A stream that was cut off comes back by itself. One that is refused does not.
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) askNow();
  };
} else {
  askNow();
}
