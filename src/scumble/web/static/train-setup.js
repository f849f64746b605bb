// The way to a training: pictures, a look at all of them, settings.
import words from "/words.js";
import { byId, duration, el, fill, notice, told } from "/static/dom.js";
import { get, post, remove, unique } from "/static/api.js";
import { Form } from "/static/form.js";
import { picker } from "/static/picker.js";
import { finished } from "/static/jobs-gan.js";

const texts = words.train;
const FEW_LABELS = "sgan"; // the preset that learns with a few
const WAIT_MILLISECONDS = 6000; // a worker that has nothing to do takes a few seconds to begin
let form;
let presets;
let chosen;
let offers = []; // buttons that set a setting to a value
let looks = 0; // so that only the last choice is shown

export async function setup() {
  await picker(byId("picker"), choose);
  const [description, methods] = await Promise.all([told(() => get("/api/forms/train")), told(() => get("/api/presets"))]);
  if (!description) return;
  presets = methods ?? {};
  form = new Form(byId("settings"), description, changed);
  byId("form").addEventListener("submit", start);
  byId("labels").addEventListener("change", () => byId("labels").value && set("preset", FEW_LABELS));
  changed();
}

function changed() {
  const method = presets[form.value("preset")];
  const { field, help } = form.fields.get("preset");
  if (method) field.help = `${fill(texts.method, method)} ${method.differs ? fill(texts.differs, { text: method.differs }) : ""}`;
  help.textContent = field.help;
  const images = form.value("images");
  for (const radio of byId("length-choices").querySelectorAll("input")) radio.checked = Number(radio.value) === images;
  for (const { button, name, value } of offers) button.setAttribute("aria-pressed", String(form.value(name) === value));
}

/** Sets one setting, and leaves what else was given. */
function set(name, value) {
  form.set({ ...form.values(), [name]: value });
  changed();
}

/** Labels that were given to these pictures by clicking: a training may learn with them. */
async function offer_labels(pictures) {
  const sets = (await told(() => get("/api/labels"))) ?? [];
  const usable = sets.filter((one) => one.data === pictures.id && one.counts.length > 1 && Math.min(...one.counts) > 0);
  const option = (one) => el("option", { value: `labels:${one.id}` }, `${one.classes.join(", ")} (${one.labelled})`);
  byId("labels").replaceChildren(el("option", { value: "" }, texts.no_labels), ...usable.map(option));
  byId("labels-field").hidden = usable.length === 0;
}

async function choose(pictures) {
  chosen = pictures;
  offer_labels(pictures);
  const look = (looks += 1);
  for (const name of ["check", "form", "check-progress"]) byId(name).hidden = false;
  for (const name of ["advice", "lengths"]) byId(name).hidden = true;
  const bar = byId("check-progress").querySelector("progress");
  bar.removeAttribute("value");
  byId("check-message").textContent = texts.checking;
  byId("check").scrollIntoView({ block: "nearest", behavior: "smooth" });
  const waits = setTimeout(() => (byId("check-message").textContent = texts.check_waits), WAIT_MILLISECONDS);
  const advice = await told(() =>
    checked(pictures, look, (share) => {
      clearTimeout(waits);
      byId("check-message").textContent = texts.checking;
      if (share !== undefined) bar.value = share;
    }),
  );
  clearTimeout(waits);
  if (look !== looks) return;
  byId("check-progress").hidden = true;
  if (advice) show(advice);
}

/** What `gan check` says: its job has the library's own words. Where other pictures are chosen meanwhile, it is given up. */
async function checked(pictures, look, onprogress) {
  const job = await post("/api/jobs", { kind: "check", title: pictures.name, settings: {}, inputs: { data: [pictures.id] } }, { key: unique() });
  let advice = null;
  const done = await finished(job.id, (message) => {
    if (look !== looks) return false;
    onprogress(message.event === "progress" && message.total ? message.done / message.total : undefined);
    if (message.event === "returned") advice = message.value;
    return true;
  });
  if (done === null) await remove(`/api/jobs/${job.id}`);
  return advice;
}

function show({ found, figures, command, warnings }) {
  const rows = Object.entries(found).filter(([name]) => name !== "to use them");
  byId("found").replaceChildren(...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  offers = [];
  const remarks = warnings.map((text) => remark(text, flags_in(text)));
  if (Object.keys(figures.classes).length > 1) remarks.push(remark(texts.classes_found, [["preset", "projection"]], "good"));
  if (!remarks.length) remarks.push(el("li", { class: "good" }, texts.fine));
  byId("remarks").replaceChildren(...remarks);
  byId("advice").hidden = false;
  byId("start").disabled = command === null;
  if (command !== null) fit(command);
  lengths(figures);
}

/** A line, and a button for each of the settings that it speaks of. */
function remark(text, settings, of_class = "") {
  const buttons = settings.map(([name, value]) => {
    const { label } = form.fields.get(name).field;
    const button = el("button", { type: "button", class: "button", onclick: () => set(name, value) }, fill(texts.apply, { label, value: value === true ? texts.on : value }));
    offers.push({ button, name, value });
    return button;
  });
  return el("li", { class: of_class }, el("span", {}, text), ...buttons);
}

/** The settings in the library's advice, such as "--size 128": by name, and true for a switch. */
function flags_in(text) {
  const found = [...text.matchAll(/--([a-z]+(?:-[a-z]+)*)(?:,? ([a-z0-9][a-z0-9x.]*))?/g)];
  return found
    .map(([, flag, value]) => [flag.replaceAll("-", "_"), value])
    .filter(([name]) => form.fields.has(name))
    .map(([name, value]) => [name, value_of(form.fields.get(name).field, value)])
    .filter(([, value]) => value !== undefined);
}

/** The word after a flag as a value of its field; nothing where the sentence just goes on. */
function value_of({ type, choices }, word) {
  if (type === "boolean") return true;
  if (type === "choice") return choices.find(({ value }) => value === word)?.value;
  if (!/^[0-9][0-9x.]*$/.test(word ?? "")) return undefined;
  return ["integer", "number"].includes(type) ? Number(word) : word;
}

/** What the advice would train with. */
function fit(command) {
  form.set({ ...form.values(), ...Object.fromEntries(flags_in(command)) });
  changed();
}

/** How many images can be learnt from in which time. */
function lengths({ images, seconds }) {
  const choice = (value, title, about) => {
    return el("label", {}, el("input", { type: "radio", name: "length", value: String(value), onchange: () => set("images", value) }), el("span", {}, title), el("small", {}, about));
  };
  const choices = Object.entries(images).map(([when, value]) =>
    choice(value, texts.lengths[when] ?? when, fill(texts.length_images, { count: value.toLocaleString("en"), time: duration(seconds[when]) })),
  );
  byId("length-choices").replaceChildren(...choices);
  byId("lengths").hidden = choices.length === 0;
  if (!("images" in form.values()) && choices.length) set("images", Math.min(...Object.values(images)));
  changed();
}

async function start(event) {
  event.preventDefault();
  if (!chosen) return;
  const button = byId("start");
  button.disabled = true;
  button.textContent = texts.starting;
  try {
    const labels = byId("labels").value;
    const inputs = { data: [chosen.id], ...(labels ? { labels: [labels] } : {}) };
    const job = await post("/api/jobs", { kind: "train", title: chosen.name, settings: form.values(), inputs }, { key: unique() });
    location.href = `/train?job=${job.id}`;
  } catch (error) {
    if (!(error.field && form.wrong(error.field, error.message))) notice(error.message, true);
    button.disabled = false;
    button.textContent = texts.start;
  }
}
