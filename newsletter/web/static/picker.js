// Helps with the choice of places: a box that narrows the list to what is typed, what is chosen as chips that can be
// taken away, and counts of what is ticked out of sight. Without scripts the choice is complete, and works as it is.
const picker = document.querySelector(".picker");

/** Without case, accents and punctuation, as newsletter.domain.place.fold compares names. */
const fold = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

const make = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const nameOf = (input) => input.closest("label").textContent.trim();
const inputsOf = (element) => [...element.querySelectorAll("input[type=checkbox]")];
const holds = (name, words) => words.every((word) => name.includes(word));

function readRegion(item) {
  const whole = item.querySelector(":scope > .tick input");
  const group = item.querySelector("details");
  const title = whole ? nameOf(whole) : item.querySelector(".name").textContent;
  const places = (group ? inputsOf(group) : []).map((input) => ({ input, name: fold(nameOf(input)) }));
  return { item, whole, group, places, name: fold(title), openAtFirst: group?.open ?? false };
}

/** Shows what of a region holds all the words: all of it where its own name does. Gives the boxes that match. */
function narrow({ item, whole, group, places, name, openAtFirst }, words) {
  const all = holds(name, words);
  const found = places.filter((place) => holds(place.name, words));
  for (const place of places) place.input.closest("label").hidden = !all && !found.includes(place);
  for (const hint of item.querySelectorAll(".places .hint")) hint.hidden = !all;
  if (group) group.open = words.length ? found.length > 0 : openAtFirst;
  item.hidden = !all && !found.length;
  return [...(all && whole ? [whole] : []), ...found.map((place) => place.input)];
}

function inWords(matches, words) {
  if (!words.length) return "";
  if (!matches.length) return "No region or country is called so. Try fewer letters.";
  return matches.length === 1 ? "1 match. Press Enter to choose it." : `${matches.length} matches`;
}

/** A box above the list. It gives what has the focus when nothing else can. */
function addFinder(regions) {
  const box = make("input", { className: "text", id: "find", type: "search", autocomplete: "off" });
  const told = make("p", { className: "hint", role: "status" });
  let matches = [];
  const look = () => {
    const words = fold(box.value).split(" ").filter(Boolean);
    matches = regions.flatMap((region) => narrow(region, words));
    told.textContent = inWords(matches, words);
    return words.length > 0;
  };
  box.addEventListener("input", look);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    if (!look() || matches.length !== 1) return;
    const [only] = matches;
    only.checked = true;
    only.dispatchEvent(new Event("change", { bubbles: true }));
    box.value = "";
    look();
    told.textContent = `${nameOf(only)} is chosen.`;
  });
  const label = make("label", { className: "field", htmlFor: "find" }, "Find a region or country");
  picker.querySelector(".regions").before(label, box, told);
  return picker.querySelector(":scope > summary") ?? box;
}

/** What is chosen in the list, below it, where a new chip moves nothing that is being clicked. */
function addChips(fallback) {
  const list = make("ul", {});
  const clear = make("button", { type: "button", className: "quiet" }, "Clear all");
  const told = make("p", { className: "aside", role: "status" });
  const chosen = make("div", { className: "chips", role: "group", ariaLabel: "Chosen" }, list, clear);
  const ticked = () => inputsOf(picker).filter((input) => input.checked);

  const untick = (inputs, words) => {
    for (const input of inputs) input.checked = false;
    inputs[0].dispatchEvent(new Event("change", { bubbles: true }));
    told.textContent = `${words} ${ticked().length} chosen.`;
  };
  const take = (input) => {
    const place = ticked().indexOf(input);
    untick([input], `${nameOf(input)} is removed.`);
    const left = list.querySelectorAll("button");
    (left[place] ?? left[place - 1] ?? fallback).focus();
  };
  const chipOf = (input) => {
    const name = nameOf(input);
    const chip = make("button", { type: "button", className: "chip", ariaLabel: `Remove ${name}` }, `${name} ×`);
    chip.addEventListener("click", () => take(input));
    chip.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") take(input);
    });
    return make("li", {}, chip);
  };
  clear.addEventListener("click", () => {
    untick(ticked(), "All are removed.");
    fallback.focus();
  });
  if (picker.matches("details")) picker.after(chosen, told);
  else picker.append(chosen, told);
  return () => {
    list.replaceChildren(...ticked().map(chipOf));
    chosen.hidden = !list.children.length;
    clear.hidden = list.children.length < 2;
  };
}

function count({ group, places }) {
  if (!group) return;
  const ticked = places.filter((place) => place.input.checked).length;
  const all = places.length === 1 ? "1 place" : `${places.length} places`;
  group.querySelector(".chosen").textContent = ticked ? `${ticked} chosen` : all;
}

if (picker) {
  const regions = [...picker.querySelectorAll(".regions > li")].map(readRegion);
  const showChips = addChips(addFinder(regions));
  const total = picker.querySelector(":scope > summary > .chosen");
  const update = () => {
    regions.forEach(count);
    showChips();
    const ticked = inputsOf(picker).filter((input) => input.checked).length;
    if (total) total.textContent = ticked ? `${ticked} chosen` : "";
  };
  picker.addEventListener("change", update);
  // A browser that goes back brings the ticks back too.
  addEventListener("pageshow", update);
}
