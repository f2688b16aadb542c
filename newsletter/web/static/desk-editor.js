// Helps whoever writes an update: keeps what is typed every few seconds, moves rows without loading the page anew, counts
// the headline, and keeps preview and comparison up to date. Without scripts every button does its work by the server.
const form = document.getElementById("update");
const kept = document.getElementById("kept");
const offered = document.getElementById("offer");
const KEEP_AFTER = 3000; // milliseconds without a key
const SHOW_AFTER = 1200;
const BEACON_MOST = 50_000; // bytes; browsers send no more than 64 kB of a page that is left

let last = written();
let keeping = 0;
let showing = 0;
let saving = false;
let isOut = false; // whether the last try to keep it failed
let look = null;

function written() {
  const data = new URLSearchParams(new FormData(form));
  data.delete("csrf_token");
  return data.toString();
}

const say = (words) => {
  if (kept.textContent !== words) kept.textContent = words;
};

/** After another login, the token of the page is worth nothing: a fresh one comes with the page itself. */
async function renew() {
  const page = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("#update [name=csrf_token]");
  if (!fresh) return;
  for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = fresh.value;
}

async function keep() {
  const now = written();
  if (saving || now === last) return;
  try {
    const answer = await fetch(form.dataset.unsavedUrl, { method: "POST", body: new FormData(form), redirect: "error" });
    if (answer.status === 400 || answer.status === 403) await renew();
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    last = now;
    isOut = false;
    const newer = told.is_newest ? "" : ` ${told.saved_by} has saved another version since: when you save, you see both.`;
    say(`Kept at ${told.kept_at}, not saved yet.${newer}`);
  } catch {
    isOut = true;
    say("Not kept: the server doesn’t answer, or you are logged out. Leave this page open; if you are out, log in in another window.");
    keeping = setTimeout(keep, 4 * KEEP_AFTER);
  }
}

async function compare() {
  try {
    const answer = await fetch(form.dataset.compareUrl, { method: "POST", body: new FormData(form), redirect: "error" });
    // Our own page's part, in which every word that was typed is escaped.
    if (answer.ok) document.getElementById("compared").innerHTML = await answer.text();
  } catch {
    // The one that was there stays.
  }
}

/** Each look gets a frame of its own, as a frame that is loaded again and again fills the way back with its pages. */
function show() {
  if (!look) return;
  const old = document.querySelector("iframe[name=shown]");
  const fresh = old.cloneNode();
  fresh.hidden = false;
  old.replaceWith(fresh);
  form.requestSubmit(look);
}

function changed() {
  clearTimeout(keeping);
  clearTimeout(showing);
  if (offered) say("Decide on your unsaved changes above first: until then, nothing is kept by itself.");
  else keeping = setTimeout(keep, KEEP_AFTER);
  showing = setTimeout(() => {
    compare();
    show();
  }, SHOW_AFTER);
}

function count() {
  const { value, dataset } = form.elements.headline;
  const length = new TextEncoder().encode(value).length;
  document.getElementById("headline-length").textContent = length;
  document.getElementById("headline-over").hidden = length <= Number(dataset.room);
}

/** Gives the rows of a section the numbers of their order: in ids, labels, names for ears, and what buttons say. */
function number(section) {
  const { kind, most } = section.dataset;
  const rows = [...section.querySelectorAll(".row")];
  rows.forEach((row, index) => {
    const at = String(index + 1);
    row.querySelector("legend").textContent = `${kind[0].toUpperCase()}${kind.slice(1)} ${at}`;
    for (const each of row.querySelectorAll("[id], [for], [aria-describedby]"))
      for (const name of ["id", "for", "aria-describedby"])
        if (each.hasAttribute(name)) each.setAttribute(name, each.getAttribute(name).replace(/-\d+-/, `-${at}-`));
    for (const button of row.querySelectorAll("button")) {
      button.value = button.value.replace(/\d+$/, at);
      button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/\d+$/, at));
    }
  });
  section.querySelector(".add").disabled = most !== "" && rows.length >= Number(most);
}

function arrange(button) {
  const section = button.closest("[data-kind]");
  const list = section.querySelector(".rows-list");
  const row = button.closest(".row");
  const step = button.value.split("-")[0];
  if (step === "add") {
    list.append(section.querySelector("template").content.cloneNode(true));
    number(section);
    list.lastElementChild.querySelector("textarea, input").focus();
    return;
  }
  if (step === "up") row.previousElementSibling?.before(row);
  else if (step === "down") row.nextElementSibling?.after(row);
  else row.remove();
  number(section);
  (step === "remove" ? section.querySelector("h2") : button).focus();
}

form.addEventListener("click", (event) => {
  const button = event.target.closest(".steps button, .add");
  if (!button) return;
  event.preventDefault();
  arrange(button);
  changed();
});
form.addEventListener("input", (event) => {
  if (event.target === form.elements.headline) count();
  changed();
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.name !== "part") {
    saving = true;
    clearTimeout(keeping);
    return;
  }
  look = event.submitter;
  document.querySelector("iframe[name=shown]").hidden = false;
  for (const each of document.querySelectorAll(".looks button")) each.setAttribute("aria-pressed", each === look);
});
// Whoever leaves is only asked where the last words can't be kept on the way out.
addEventListener("beforeunload", (event) => {
  const now = written();
  if (!saving && now !== last && (isOut || offered || now.length > BEACON_MOST)) event.preventDefault();
});
addEventListener("pagehide", () => {
  if (!saving && !offered && written() !== last) navigator.sendBeacon(form.dataset.unsavedUrl, new FormData(form));
});
// Back from another page, the browser shows this one as it was left.
addEventListener("pageshow", () => (saving = false));

if ("isUnsaved" in form.dataset) {
  last = "";
  changed();
}
document.querySelector("iframe[name=shown]").hidden = true;
document.getElementById("errors")?.focus();
