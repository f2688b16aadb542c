// Loads the page anew when a template has changed, with the mail at the place where it was being read. Without scripts
// the page can be loaded again by hand.
const told = document.querySelector("[role=status]");
const changes = document.body.dataset.changes;
const frame = document.querySelector("iframe");
const SECOND = 1000;

async function look() {
  try {
    const answer = await fetch(changes);
    if ((await answer.json()).changed) {
      location.reload();
      return;
    }
    told.textContent = "Loads itself when a template changes.";
  } catch {
    told.textContent = "The preview has stopped. Start it again with newsletter preview.";
  }
  setTimeout(look, SECOND);
}

// As a share of the mail's height, so that it is the same place on a phone and on a desktop.
function keepPlace() {
  const mail = frame.contentWindow;
  const share = mail.scrollY / mail.document.documentElement.scrollHeight;
  sessionStorage.setItem("place", JSON.stringify({ path: location.pathname, share }));
}

function findPlace() {
  const { path, share } = JSON.parse(sessionStorage.getItem("place") ?? "{}");
  const mail = frame.contentWindow;
  if (path === location.pathname) mail.scrollTo(0, share * mail.document.documentElement.scrollHeight);
}

if (frame) {
  addEventListener("pagehide", keepPlace);
  if (frame.contentDocument?.readyState === "complete") findPlace();
  frame.addEventListener("load", findPlace);
}
look();
