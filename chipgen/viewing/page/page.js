"use strict";
// What is shown is told by the address alone: #level=0&kind=positive&class=car&reason=crowd&hide=masks&chip=12&image=7
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en").format;
const SVG = "http://www.w3.org/2000/svg";
const [SOURCE, BBOX, CLASS, REASON, VISIBLE, MASK] = [0, 1, 2, 3, 4, 5];
const FILTERS = ["level", "kind", "reason", "class"];
const DRAWN = ["valid", "ignored", "masks", "names"];
const chipOf = new Map(data.chips.map((chip) => [String(chip.id), chip]));
const imageOf = new Map(data.images.map((image, position) => [image.id, position]));
const LISTED = 400;

// -- small things ---------------------------------------------------------------------------------------------------

function make(name, attributes = {}, ...inner) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inner);
  return element;
}

function draw(name, attributes = {}, ...inner) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inner);
  return element;
}

function swatch(colour) {
  const element = make("span", { class: "swatch" });
  element.style.background = colour;
  return element;
}

const levelName = (level) => `level ${level} (${data.levels[level].scale})`;
const className = (position) => data.classes[position].name;
const chipName = (id, level, kind) => `chip ${id}, ${levelName(level)}, ${data.kinds[kind]}`;
const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : word.endsWith("x") ? "es" : "s"}`;

// -- the address ----------------------------------------------------------------------------------------------------

let state = {};

function read() {
  const told = new URLSearchParams(location.hash.slice(1));
  const found = { hide: new Set(told.getAll("hide")), chip: told.get("chip"), image: told.get("image") };
  for (const key of FILTERS) found[key] = new Set(told.getAll(key));
  return found;
}

function address(change) {
  const next = { ...state, ...change };
  const told = new URLSearchParams();
  for (const key of [...FILTERS, "hide"]) for (const value of next[key]) told.append(key, value);
  for (const key of ["chip", "image"]) if (next[key] !== null) told.append(key, next[key]);
  return `#${told}`;
}

function go(change) {
  location.replace(address(change)); // filters are no steps that one goes back over
}

// -- filters --------------------------------------------------------------------------------------------------------

const VALUES = {
  level: (chip) => [String(chip.level)],
  kind: (chip) => [data.kinds[chip.kind]],
  reason: (chip) => chip.reasonNames,
  class: (chip) => chip.classNames,
};
for (const chip of data.chips) {
  chip.reasonNames = [...new Set(chip.boxes.filter((box) => box[REASON]).map((box) => data.reasons[box[REASON]]))];
  chip.classNames = [...new Set(chip.boxes.map((box) => className(box[CLASS])))];
}

const passes = (chip, key) => !state[key].size || VALUES[key](chip).some((value) => state[key].has(value));
const options = [];

function addOption(place, key, value, text, colour = null) {
  const input = make("input", { type: "checkbox" });
  const count = make("span", { class: "number" });
  const label = make("label", { class: "option" }, input, make("span", { class: "name" }, text), " ", count);
  if (colour) input.after(swatch(colour));
  input.addEventListener("change", () => {
    const next = new Set(state[key]);
    if (key === "hide" ? !input.checked : input.checked) next.add(value);
    else next.delete(value);
    go({ [key]: next });
  });
  place.append(label);
  options.push({ key, value, text, input, count, label });
}

function addOptions() {
  data.levels.forEach((level, n) => addOption(at("levels"), "level", String(n), `${n}: ${level.scale}`, level.colour));
  for (const kind of data.kinds) addOption(at("kinds"), "kind", kind, kind);
  const reasons = new Set(data.chips.flatMap((chip) => chip.reasonNames));
  for (const reason of data.reasons) if (reasons.has(reason)) addOption(at("reasons"), "reason", reason, reason);
  const shown = new Set(data.chips.flatMap((chip) => chip.classNames));
  for (const entry of data.classes) {
    if (!shown.delete(entry.name)) continue; // of two classes with one name, one option
    addOption(at("class-list"), "class", entry.name, entry.name, entry.colour);
  }
  for (const word of DRAWN) for (const place of ["drawn", "drawn-large"]) addOption(at(place), "hide", word, word);
  at("reasons").hidden = !reasons.size;
  at("classes").hidden = !at("class-list").children.length;
  at("search").hidden = at("class-list").children.length < 12;
  at("search").addEventListener("input", () => {
    const wanted = at("search").value.toLowerCase();
    for (const option of options) {
      if (option.key === "class") option.label.hidden = !option.text.toLowerCase().includes(wanted);
    }
  });
}

function showOptions() {
  const counts = {};
  for (const key of FILTERS) {
    counts[key] = new Map();
    const others = FILTERS.filter((other) => other !== key);
    for (const chip of data.chips) {
      if (!others.every((other) => passes(chip, other))) continue;
      for (const value of VALUES[key](chip)) counts[key].set(value, (counts[key].get(value) || 0) + 1);
    }
  }
  for (const { key, value, input, count, label } of options) {
    input.checked = key === "hide" ? !state.hide.has(value) : state[key].has(value);
    if (key === "hide") continue;
    const found = counts[key].get(value) || 0;
    count.textContent = number(found);
    label.classList.toggle("empty", !found);
  }
}

// -- chips ----------------------------------------------------------------------------------------------------------

function outline([x, y, width, height]) {
  return `M${x} ${y}h${width}v${height}h${-width}z`;
}

function picture(chip) {
  const [width, height] = chip.size;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(draw("image", { href: chip.picture, width, height, preserveAspectRatio: "none" }));
  for (const box of chip.boxes) if (box[MASK].length) svg.append(mask(box));
  return svg;
}

function mask(box) {
  const group = draw("g", { class: `mask ${box[REASON] ? "of-ignored" : "of-valid"}`, "data-class": box[CLASS] });
  if (!box[REASON]) group.setAttribute("fill", data.classes[box[CLASS]].colour);
  for (const part of box[MASK]) group.append(draw("path", { d: part, "fill-rule": "evenodd" }));
  return group;
}

function sides(path, box) {
  if (!box[REASON]) return [draw("path", { class: "valid", d: path, stroke: data.classes[box[CLASS]].colour })];
  return [draw("path", { class: "under", d: path }), draw("path", { class: "over", d: path })];
}

function card(chip) {
  const svg = picture(chip);
  const paths = new Map(); // few elements for many boxes
  for (const box of chip.boxes) {
    const key = `${box[REASON] ? 1 : 0} ${box[CLASS]}`;
    paths.set(key, { box, path: (paths.get(key)?.path || "") + outline(box[BBOX]) });
  }
  for (const key of [...paths.keys()].sort().reverse()) {
    const { box, path } = paths.get(key);
    const kind = box[REASON] ? "ignored" : "learnt";
    svg.append(draw("g", { class: kind, "data-class": box[CLASS] }, ...sides(path, box)));
  }
  const valid = chip.boxes.filter((box) => !box[REASON]).length;
  const badge = make("span", { class: "badge" }, levelName(chip.level));
  badge.style.borderColor = data.levels[chip.level].colour;
  const told = make("div", { class: "told" },
    make("div", {}, `chip ${chip.id} `, badge, ` ${data.kinds[chip.kind]}`),
    make("div", {}, data.images[chip.image].file),
    make("div", {}, holds(chip)));
  svg.setAttribute("aria-label", `${chipName(chip.id, chip.level, chip.kind)}: ${valid} valid boxes`);
  const link = make("a", { class: "card", "data-chip": chip.id }, svg, told);
  return { chip, link, coloured: svg.querySelectorAll("[data-class]") };
}

function holds(chip) {
  const counts = new Map();
  for (const box of chip.boxes) if (!box[REASON]) counts.set(box[CLASS], (counts.get(box[CLASS]) || 0) + 1);
  const words = [...counts].sort((a, b) => b[1] - a[1]).map(([entry, count]) => `${number(count)} ${className(entry)}`);
  const ignored = chip.boxes.filter((box) => box[REASON]).length;
  if (ignored) words.push(`${number(ignored)} ignored`);
  return words.join(", ") || "no boxes";
}

function showCards() {
  let shown = 0;
  for (const { chip, link, coloured } of cards) {
    const visible = FILTERS.every((key) => passes(chip, key));
    link.hidden = !visible;
    if (!visible) continue;
    shown += 1;
    link.href = address({ chip: String(chip.id), image: null });
    for (const element of coloured) element.classList.toggle("dim", isDim(element.dataset.class));
  }
  at("count").textContent = `${number(shown)} of ${counted(data.chips.length, "chip")}`;
  at("none").hidden = shown > 0 || !data.chips.length;
  at("reset").hidden = !FILTERS.some((key) => state[key].size) && !state.hide.size;
  for (const word of DRAWN) document.body.classList.toggle(`hide-${word}`, state.hide.has(word));
}

const isDim = (position) => state.class.size > 0 && !state.class.has(className(position));

// -- one chip -------------------------------------------------------------------------------------------------------

function link(element, target) {
  if (target === null) element.removeAttribute("href");
  else element.href = target;
}

function neighbour(list, position, step) {
  return list[position + step] ?? null;
}

function showChip(chip) {
  const shown = data.chips.filter((one) => one === chip || FILTERS.every((key) => passes(one, key)));
  const position = shown.indexOf(chip);
  const [before, after] = [-1, 1].map((step) => neighbour(shown, position, step));
  link(at("previous"), before && address({ chip: String(before.id) }));
  link(at("next"), after && address({ chip: String(after.id) }));
  link(at("to-image"), address({ image: data.images[chip.image].id }));
  at("chip-title").textContent = chipName(chip.id, chip.level, chip.kind);
  showFacts(chip);
  const svg = picture(chip);
  svg.setAttribute("aria-label", `${chip.boxes.length} boxes, listed beside`);
  const rows = [];
  const order = chip.boxes.map((_, n) => n).sort((a, b) => area(chip.boxes[b]) - area(chip.boxes[a]));
  for (const n of order) {
    const box = chip.boxes[n];
    const group = draw("g", { class: `box ${box[REASON] ? "ignored" : "learnt"}`, "data-class": box[CLASS] });
    const path = outline(box[BBOX]);
    group.append(draw("path", { class: "hit", d: path }), ...sides(path, box));
    group.append(draw("title", {}, `${className(box[CLASS])}: ${data.reasons[box[REASON]] || "valid"}`));
    svg.append(group);
    rows[n] = boxRow(box);
    tie(group, rows[n]);
  }
  for (const element of svg.querySelectorAll("[data-class]")) {
    element.classList.toggle("dim", isDim(element.dataset.class));
  }
  at("boxes").tBodies[0].replaceChildren(...rows);
  at("boxes").hidden = !rows.length;
  at("no-boxes").hidden = rows.length > 0;
  at("chip-picture").replaceChildren(svg);
  addWords(svg, chip, order);
}

const area = (box) => box[BBOX][2] * box[BBOX][3];

function showFacts(chip) {
  const image = data.images[chip.image];
  const [low, high] = chip.range;
  const corner = chip.content.map((side, axis) => chip.origin[axis] + side / chip.factor[axis]);
  const box = [...chip.origin, ...corner].map((side) => number(Math.round(side))).join(", ");
  const facts = [
    ["source", `${image.file} (image ${image.id}, ${image.size.join(" × ")} px)`],
    ["shows", `${box} (left, top, right, bottom in the image, px)`],
    ["scale", `${chip.factor.join(" × ")} chip px for an image px`],
    ["chip", `${chip.size.join(" × ")} px` + (String(chip.size) === String(chip.content) ? "" :
      `, of which ${chip.content.join(" × ")} are image`)],
    ["learns", high === null ? `sizes from ${low} chip px` : `sizes from ${low} to ${high} chip px`],
  ];
  at("facts").replaceChildren(...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

function boxRow(box) {
  const [, , width, height] = box[BBOX];
  const state = data.reasons[box[REASON]] || "valid";
  return make("tr", { class: box[REASON] ? "of-ignored-row" : "" },
    make("td", {}, swatch(data.classes[box[CLASS]].colour), className(box[CLASS])),
    make("td", {}, state),
    make("td", {}, `${width.toFixed(0)} × ${height.toFixed(0)}`),
    make("td", {}, `${Math.round(100 * box[VISIBLE])} %`),
    make("td", {}, box[SOURCE]));
}

function tie(one, other, told = () => {}) {
  for (const element of [one, other]) {
    for (const [event, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]) {
      element.addEventListener(event, () => {
        one.classList.toggle("pointed", on);
        other.classList.toggle("pointed", on);
        told(on);
      });
    }
  }
}

function addWords(svg, chip, order) {
  const place = svg.getBoundingClientRect();
  const [width, height] = chip.size;
  const unit = 1 / Math.max(Math.min(place.width / width, place.height / height), 0.1); // chip px in a px of the screen
  const taken = [];
  for (const n of order) {
    const box = chip.boxes[n];
    const words = box[REASON] ? data.reasons[box[REASON]] : className(box[CLASS]).slice(0, 40);
    const size = [(words.length * 7 + 8) * unit, 17 * unit];
    const [x, y, , tall] = box[BBOX];
    const left = Math.max(0, Math.min(x, width - size[0]));
    const top = [y - size[1], y + tall, y].find((one) => one >= 0 && one + size[1] <= height &&
      !taken.some((t) => left < t[2] && t[0] < left + size[0] && one < t[3] && t[1] < one + size[1]));
    if (top === undefined) continue;
    taken.push([left, top, left + size[0], top + size[1]]);
    const colour = box[REASON] ? "#222" : data.classes[box[CLASS]].colour;
    const group = draw("g", { class: `word ${box[REASON] ? "of-ignored" : "of-valid"}`, "data-class": box[CLASS] },
      draw("rect", { x: left, y: top, width: size[0], height: size[1], fill: colour }),
      draw("text", { x: left + 4 * unit, y: top + 13 * unit, "font-size": 12.5 * unit, fill: ink(colour),
        textLength: size[0] - 8 * unit, lengthAdjust: "spacingAndGlyphs" }, words));
    group.classList.toggle("dim", isDim(box[CLASS]));
    svg.append(group);
  }
}

function ink(colour) {
  if (colour.length < 7) return "#fff";
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000" : "#fff";
}

// -- one source picture ---------------------------------------------------------------------------------------------

function showImage(position) {
  const image = data.images[position];
  const [width, height] = image.size;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "places of the chips" });
  svg.append(draw("rect", { width, height, fill: "#808080" }));
  if (image.picture) svg.append(draw("image", { href: image.picture, width, height, preserveAspectRatio: "none" }));
  else for (const chip of mosaic(position)) svg.append(pasted(chip));
  const entries = [];
  const largest = [...image.chips].sort((a, b) => (b[5] - b[3]) * (b[6] - b[4]) - (a[5] - a[3]) * (a[6] - a[4]));
  const places = new Map(largest.map((place) => [place, placed(place)]));
  const current = [...places].filter(([place]) => String(place[0]) === state.chip).map(([, element]) => element);
  svg.append(...places.values(), ...current);
  for (const place of image.chips.slice(0, LISTED)) entries.push(placeEntry(place, places.get(place)));
  at("image-title").textContent = `${image.file} (image ${image.id}, ${width} × ${height} px)`;
  const here = image.chips.filter((place) => chipOf.has(String(place[0]))).length;
  at("image-note").textContent = `${counted(image.chips.length, "chip")} cut from it, ${number(here)} in this page. ` +
    (image.picture ? "" : image.why ? `Put together from chips: ${image.why}.` :
      "Put together from chips; chipgen view --images DIR shows the picture itself.");
  at("legend").replaceChildren(...data.levels.map((level, n) => make("li", {}, swatch(level.colour), levelName(n))),
    make("li", {}, "dashed: negative; thin: not in this page"));
  at("pointed").textContent = "";
  at("image-view").querySelector(".close").textContent = current.length ? `Back to chip ${state.chip}` : "Close";
  at("image-chips").replaceChildren(...entries);
  at("image-picture").replaceChildren(svg);
  const [before, after] = [-1, 1].map((step) => neighbour(data.images, position, step));
  link(at("previous-image"), before && address({ image: before.id, chip: null }));
  link(at("next-image"), after && address({ image: after.id, chip: null }));
}

function mosaic(position) {
  const here = data.chips.filter((chip) => chip.image === position);
  return here.sort((a, b) => a.factor[0] - b.factor[0]); // the finest on top
}

function pasted(chip) {
  const [width, height] = chip.content;
  const inner = draw("svg", {
    x: chip.origin[0], y: chip.origin[1], width: width / chip.factor[0], height: height / chip.factor[1],
    viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none",
  });
  const [whole, tall] = chip.size;
  inner.append(draw("image", { href: chip.picture, width: whole, height: tall, preserveAspectRatio: "none" }));
  return inner;
}

function placed([id, level, kind, left, top, right, bottom]) {
  const present = chipOf.has(String(id));
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  const kinds = `place ${data.kinds[kind]}${present ? "" : " absent"}${state.chip === String(id) ? " current" : ""}`;
  const element = draw(present ? "a" : "g", { class: kinds, "data-chip": id },
    draw("title", {}, chipName(id, level, kind) + (present ? "" : ", not in this page")),
    draw("rect", { class: "edge", ...box }),
    draw("rect", { class: "line", stroke: data.levels[level].colour, ...box }));
  if (present) element.setAttribute("href", address({ chip: String(id), image: null }));
  return element;
}

function placeEntry([id, level, kind], element) {
  const present = chipOf.has(String(id));
  const name = chipName(id, level, kind);
  const text = present ? make("a", { href: address({ chip: String(id), image: null }) }, name) : name;
  const entry = make("li", {}, swatch(data.levels[level].colour), text);
  tie(element, entry, (on) => { at("pointed").textContent = on ? name : ""; });
  return entry;
}

// -- all together ---------------------------------------------------------------------------------------------------

let told = null;

function open(dialog, wanted) {
  if (wanted && !dialog.open) dialog.showModal();
  if (!wanted && dialog.open) dialog.close();
}

function show() {
  state = read();
  const chip = chipOf.get(state.chip);
  const position = imageOf.get(state.image);
  showOptions();
  showCards();
  open(at("chip-view"), chip && position === undefined);
  open(at("image-view"), position !== undefined);
  if (position !== undefined) showImage(position);
  else if (chip) showChip(chip);
  else if (told) at("cards").querySelector(`[data-chip="${told}"]:not([hidden])`)?.focus();
  told = chip ? String(chip.id) : null;
}

function back() {
  location.hash = state.image !== null && state.chip !== null ? address({ image: null }) :
    address({ image: null, chip: null });
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); back(); });
  dialog.querySelector(".close").setAttribute("href", "#");
  dialog.querySelector(".close").addEventListener("click", (event) => { event.preventDefault(); back(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) back(); });
}

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
  if (event.key === "Escape" && (at("chip-view").open || at("image-view").open)) {
    event.preventDefault();
    back();
  } else if (step && (at("chip-view").open || at("image-view").open)) {
    const target = at(at("image-view").open ? `${step}-image` : step);
    if (target.hasAttribute("href")) location.replace(target.href);
  }
});

window.addEventListener("hashchange", show);
window.addEventListener("resize", () => { if (at("chip-view").open) show(); });
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("about").textContent = `${number(data.chips.length)} of ${counted(data.total, "chip")}, from ` +
  `${counted(data.images.length, "image")}. Solid: boxes to learn, in the colour of their class; dashed: ignored ones` +
  ({ drop: ", which the shards leave out", paint: ", which the shards leave out and paint over",
    keep: ", which the shards hold as ordinary boxes" }[data.ignored] || "") + ".";
addOptions();
state = read();
const cards = data.chips.map(card);
at("cards").append(...cards.map((one) => one.link));
show();
