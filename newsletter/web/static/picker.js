// Helps with the choice of places: a box that narrows it to what is typed, and counts of what is ticked out of sight.
// Without scripts the choice is complete, and works as it is.
const picker = document.querySelector(".picker");
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function narrow(region, wanted) {
  const whole = fold(region.querySelector(":scope > .tick, :scope > .name").textContent).includes(wanted);
  let found = false;
  for (const group of region.querySelectorAll("details")) {
    let inside = false;
    for (const tick of group.querySelectorAll(".tick")) {
      const named = fold(tick.textContent).includes(wanted);
      tick.hidden = !named && !whole;
      inside ||= named;
    }
    group.open = wanted ? inside : group.defaultOpen;
    found ||= inside;
  }
  region.hidden = !whole && !found;
  return !region.hidden;
}

function tell(counter, inputs, otherwise) {
  const ticked = [...inputs].filter((input) => input.checked).length;
  if (counter) counter.textContent = ticked ? `${ticked} chosen` : otherwise;
}

function count(regions) {
  for (const region of regions) {
    const inputs = region.querySelectorAll(":scope > details input");
    tell(region.querySelector(".chosen"), inputs, inputs.length === 1 ? "1 place" : `${inputs.length} places`);
  }
  tell(picker.querySelector(":scope > summary > .chosen"), picker.querySelectorAll("input[type=checkbox]"), "");
}

if (picker) {
  const label = Object.assign(document.createElement("label"), {
    className: "field", htmlFor: "find", textContent: "Find a region or country",
  });
  const box = Object.assign(document.createElement("input"), {
    className: "text", id: "find", type: "search", autocomplete: "off",
  });
  const told = Object.assign(document.createElement("p"), { className: "hint" });
  told.setAttribute("role", "status");
  const regions = [...picker.querySelectorAll(".regions > li")];
  for (const group of picker.querySelectorAll("details")) group.defaultOpen = group.open;
  picker.querySelector(".regions").before(label, box, told);
  box.addEventListener("input", () => {
    const wanted = fold(box.value.trim());
    const shown = regions.filter((region) => narrow(region, wanted)).length;
    told.textContent = shown ? "" : "No region or country is called so.";
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  picker.addEventListener("change", () => count(regions));
  // A browser that goes back brings the ticks back too.
  addEventListener("pageshow", () => count(regions));
}
