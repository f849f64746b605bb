// Giving labels: a class is chosen, its pictures are clicked; each click is saved at once.
import words from "/words.js";
import { byId, el, fill, told } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { classifying } from "/static/classify.js";

const texts = words.labels;
const WANTED = 10;
const AT_ONCE = 48;

let id;
let set; // as the server has it
let current = 0; // the class that a click gives
let shown = 0;
const done = []; // what can be undone: {picture, before}
let saving = Promise.resolve();

export async function labelling(name) {
  id = name;
  byId("labelling").hidden = false;
  set = await told(() => get(`/api/labels/${id}`));
  if (!set) return;
  byId("name").textContent = set.name;
  document.title = `${set.name} · scumble`;
  byId("table").href = `/api/labels/${id}/labels.csv`;
  byId("new-class").addEventListener("submit", add_class);
  byId("undo").addEventListener("click", undo);
  byId("more").addEventListener("click", more);
  byId("pictures").addEventListener("keydown", keys);
  document.addEventListener("keydown", anywhere);
  show_classes();
  more();
  if (!set.classes.length) byId("class-name").focus();
  classifying(id, () => set);
}

// --- Classes --------------------------------------------------------------------------------------------------------

function counts() {
  const of_class = Object.values(set.labels);
  return set.classes.map((_, number) => of_class.filter((one) => one === number).length);
}

function show_classes() {
  const numbers = counts();
  byId("classes").replaceChildren(...set.classes.map((name, number) => chip(name, number, numbers[number])));
  byId("first-class").hidden = set.classes.length > 1;
  byId("undo").disabled = done.length === 0;
  document.dispatchEvent(new Event("labels"));
}

function chip(name, number, count) {
  const choose = () => {
    current = number;
    show_classes();
  };
  const label = `${name}, ${fill(texts.counts, { count, wanted: WANTED })}. ${fill(texts.take, { name })}`;
  const button = el("button", { type: "button", class: "chip", "aria-pressed": String(number === current), "aria-label": label, "data-class": number % 9, onclick: choose, ondblclick: () => rename(number) });
  button.append(...(number < 9 ? [el("kbd", {}, String(number + 1))] : []), el("span", {}, name), el("small", {}, fill(texts.counts, { count, wanted: WANTED })));
  button.style.setProperty("--done", `${Math.min(100, (100 * count) / WANTED)}%`);
  button.title = fill(texts.take, { name });
  return el("li", {}, button);
}

async function add_class(event) {
  event.preventDefault();
  const field = byId("class-name");
  const name = field.value.trim();
  if (!name) return;
  const saved = await told(() => post(`/api/labels/${id}/classes`, { classes: [...set.classes, name] }));
  if (!saved) return;
  set.classes = saved.classes;
  current = set.classes.length - 1;
  field.value = "";
  show_classes();
}

async function rename(number) {
  const name = prompt(fill(texts.rename, { name: set.classes[number] }), set.classes[number])?.trim();
  if (!name) return;
  const saved = await told(() => post(`/api/labels/${id}/classes`, { classes: set.classes.with(number, name) }));
  if (!saved) return;
  set.classes = saved.classes;
  show_classes();
  for (const picture of Object.keys(set.labels)) show_label(Number(picture));
}

// --- Pictures -------------------------------------------------------------------------------------------------------

function more() {
  const until = Math.min(set.pictures.length, shown + AT_ONCE);
  for (; shown < until; shown += 1) byId("pictures").append(tile(shown));
  byId("more").hidden = shown >= set.pictures.length;
  // Labels that were given earlier lie further down, and are shown too.
  const last = Math.max(-1, ...Object.keys(set.labels).map(Number));
  if (last >= shown) more();
}

function tile(number) {
  const gone = (event) => (event.target.closest("li").hidden = true); // a picture that cannot be read
  const picture = el("img", { src: `/api/labels/${id}/pictures/${number}`, alt: "", loading: "lazy", onerror: gone });
  const button = el("button", { type: "button", "data-number": number, onclick: () => clicked(number) }, picture, el("span", { class: "tag", hidden: true }));
  const item = el("li", {}, button);
  dress(button, number);
  return item;
}

const button_of = (number) => byId("pictures").querySelector(`[data-number="${number}"]`);

function show_label(number) {
  const button = button_of(number);
  if (button) dress(button, number);
}

function dress(button, number) {
  const of_class = set.labels[number];
  const tag = button.querySelector(".tag");
  tag.hidden = of_class === undefined;
  tag.textContent = of_class === undefined ? "" : set.classes[of_class];
  if (of_class === undefined) delete button.dataset.class;
  else button.dataset.class = of_class % 9;
  button.setAttribute("aria-label", fill(of_class === undefined ? texts.picture : texts.picture_is, { number: number + 1, class: set.classes[of_class] }));
}

function clicked(number) {
  if (!set.classes.length) {
    byId("class-name").focus();
    return;
  }
  label(number, set.labels[number] === current ? null : current);
}

/** Gives a picture a class, or none; what it had can be had back. */
function label(number, of_class) {
  done.push({ picture: number, before: set.labels[number] ?? null });
  put(number, of_class);
}

function put(number, of_class) {
  if (of_class === null) delete set.labels[number];
  else set.labels[number] = of_class;
  show_label(number);
  show_classes();
  byId("saved").textContent = texts.saving;
  // One after another, so that the last click is the last to be saved.
  saving = saving.then(() => told(() => post(`/api/labels/${id}/labels`, { picture: number, class: of_class }))).then((saved) => {
    byId("saved").textContent = saved ? texts.saved : "";
  });
}

function undo() {
  const last = done.pop();
  if (!last) return;
  put(last.picture, last.before);
  button_of(last.picture)?.focus();
}

// --- Keys -----------------------------------------------------------------------------------------------------------

/** 1 to 9 in the pictures: that class for the one in focus, and on to the next without a label; arrows move. */
function keys(event) {
  const button = event.target.closest("[data-number]");
  if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(button.dataset.number);
  if (/^[1-9]$/.test(event.key) && Number(event.key) <= set.classes.length) {
    event.preventDefault();
    event.stopPropagation();
    current = Number(event.key) - 1;
    label(number, current);
    next(number)?.focus();
    return;
  }
  const columns = getComputedStyle(byId("pictures")).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (!step) return;
  event.preventDefault();
  button_of(number + step)?.focus();
}

function next(number) {
  for (let place = number + 1; place < shown; place += 1) if (set.labels[place] === undefined) return button_of(place);
  return null;
}

/** 1 to 9 elsewhere choose a class; Ctrl-Z or U takes back. */
function anywhere(event) {
  if (event.target.closest("input, textarea, select")) return;
  const key = event.key.toLowerCase();
  if ((key === "z" && (event.ctrlKey || event.metaKey)) || (key === "u" && !event.ctrlKey && !event.metaKey)) {
    event.preventDefault();
    undo();
  } else if (/^[1-9]$/.test(key) && Number(key) <= set.classes.length && !event.ctrlKey && !event.metaKey && !event.altKey) {
    current = Number(key) - 1;
    show_classes();
  }
}
