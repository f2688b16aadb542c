// Proof of work for a form, by ALTCHA's scheme: finds the number that has a given hash together with a given salt. It
// begins when somebody turns to the form, so that it is mostly done before they are. Without it the form works as well.
const AT_ONCE = 250;
const encoder = new TextEncoder();

async function hash(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return [...digest].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

async function find({ salt, challenge, maxnumber }) {
  for (let first = 0; first <= maxnumber; first += AT_ONCE) {
    const hashes = await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => hash(`${salt}${first + index}`)));
    const index = hashes.indexOf(challenge);
    if (index >= 0) return first + index;
  }
  throw new Error("no number has this hash");
}

async function solve(field) {
  const response = await fetch(field.dataset.challenge, { cache: "no-store" });
  const { algorithm, challenge, maxnumber, salt, signature } = await response.json();
  const number = await find({ salt, challenge, maxnumber });
  field.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
}

function watch(field) {
  const { form } = field;
  let work = null;
  let failed = false;
  // Without a solution the form is sent as it is: the site takes it, under a stricter limit.
  const begin = () => (work ??= solve(field).catch(() => { failed = true; }));
  form.addEventListener("focusin", begin);
  form.addEventListener("submit", (event) => {
    if (field.value || failed) return;
    event.preventDefault();
    // A form can't be sent while it still is being asked whether it may be.
    begin().then(() => setTimeout(() => form.requestSubmit(event.submitter)));
  });
  // A solution is good once: who comes back to the page needs another.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    field.value = "";
    work = null;
    failed = false;
  });
}

for (const field of document.querySelectorAll("input[data-challenge]")) watch(field);
