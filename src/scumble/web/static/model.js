// What a GAN draws: a sheet of seeds under sliders, and the way between pictures that somebody chose.
import words from "/words.js";
import { byId, debounced, el, fill, told } from "/static/dom.js";
import { get, post, picture } from "/static/api.js";
import { encoded } from "/static/picker.js";

const texts = words.model;
const COUNT = 24;
const BETWEEN = 12;
const FRAME_MILLISECONDS = 60;
const MILLISECONDS = 120; // after the last move of a slider

const id = decodeURIComponent(location.pathname.replace(/^\/models\//, ""));
const address = `/api/models/${encoded(id)}`;
let model;
let chosen = []; // {seed, class, png}, in the order of the way
let frames = [];
let playing = 0;

const source = (png) => URL.createObjectURL(new Blob([Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0))], { type: "image/png" }));

async function begin() {
  try {
    model = await get(address);
  } catch (error) {
    trouble(error.message);
    return;
  }
  byId("name").textContent = model.name;
  document.title = `${model.name} · scumble`;
  byId("about").textContent = `${fill(words.models.of, { data: model.data })} · ${fill(words.models.about, { ...model, images: model.images_seen.toLocaleString("en") })}`;
  const links = model.job ? [el("a", { class: "button", href: `/train?job=${model.job}` }, texts.watch)] : [];
  byId("links").replaceChildren(...links, el("a", { class: "button", href: `/labels?model=${encodeURIComponent(id)}` }, texts.sort));
  if (!model.can_draw) {
    trouble(texts.no_weights);
    return;
  }
  byId("bench").hidden = false;
  controls();
  await draw();
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = false;
}

// --- What is drawn --------------------------------------------------------------------------------------------------

function controls() {
  const redraw = debounced(draw, MILLISECONDS);
  const anew = () => {
    forget();
    redraw();
  };
  if (model.classes.length && model.several_labels) {
    byId("labels-list").append(...["none", ...model.classes].map((name) => el("option", { value: name })));
    byId("labels-field").hidden = false;
  } else if (model.classes.length) {
    byId("class").append(el("option", { value: "" }, texts.each_in_turn), ...model.classes.map((name) => el("option", { value: name }, name)));
    byId("class-field").hidden = false;
  }
  if (model.categories) codes(anew);
  byId("seed").addEventListener("input", redraw);
  for (const name of ["truncation", "class", "labels"]) byId(name).addEventListener("input", anew);
  byId("earlier").addEventListener("click", () => turn(-COUNT));
  byId("later").addEventListener("click", () => turn(COUNT));
  byId("clear").addEventListener("click", forget);
  byId("position").addEventListener("input", () => {
    stop();
    show_frame();
  });
  byId("play").addEventListener("click", () => (playing ? stop() : play()));
  byId("film").addEventListener("click", film);
}

/** A list of the categories, and a slider for each number of a code; its first place is the seed's own value. */
function codes(onchange) {
  const category = el("select", { id: "category", onchange }, el("option", { value: "" }, texts.any), ...Array.from({ length: model.categories }, (_, number) => el("option", { value: String(number) }, String(number))));
  const fields = [el("div", { class: "field wide" }, el("label", { for: "category" }, texts.category), category)];
  for (let number = 1; number <= Math.min(model.numbers, 8); number += 1) {
    const output = el("output", { class: "quiet" }, texts.any);
    const slider = el("input", { id: `number-${number}`, class: "code", type: "range", min: -1.1, max: 1, step: 0.1, value: -1.1 });
    slider.style.setProperty("--filled", "0%");
    slider.addEventListener("input", () => {
      slider.style.setProperty("--filled", `${(100 * (Number(slider.value) + 1.1)) / 2.1}%`);
      output.textContent = slider.value < -1 ? texts.any : Number(slider.value).toFixed(1);
      onchange();
    });
    fields.push(el("div", { class: "field wide" }, el("label", { for: slider.id }, fill(texts.number, { number })), output, slider));
  }
  byId("codes").replaceChildren(...fields);
  byId("codes").hidden = false;
}

function code() {
  if (!model.categories) return null;
  const numbers = [...document.querySelectorAll("input.code")].map((slider) => (slider.value < -1 ? "" : Number(slider.value).toFixed(1)));
  const text = [byId("category").value, ...numbers].join(",").replace(/,+$/, "");
  return text || null;
}

function wanted() {
  const truncation = Number(byId("truncation").value);
  const all = truncation >= Number(byId("truncation").max);
  byId("truncation-value").textContent = all ? texts.all_variety : truncation.toFixed(1);
  byId("truncation").style.setProperty("--filled", `${(100 * (truncation - 0.2)) / 2.4}%`);
  return { truncation: all ? null : truncation, class: byId("class").value || byId("labels").value.trim() || null, code: code() };
}

const first = () => Math.max(0, Math.floor(Number(byId("seed").value) || 0));

function turn(by) {
  byId("seed").value = Math.max(0, first() + by);
  told(draw);
}

let asked = 0;
let busy = false;

/** Draws what the sliders say; while one request is on its way, the next waits, and only the last of those is sent. */
async function draw() {
  asked += 1;
  if (busy) return;
  busy = true;
  try {
    for (let number = 0; number !== asked; ) {
      number = asked;
      byId("drawing").textContent = texts.drawing;
      const what = { ...wanted(), seeds: Array.from({ length: COUNT }, (_, place) => first() + place) };
      const found = await told(() => post(`${address}/samples`, what));
      if (found && number === asked) show(found.pictures);
      command(what);
    }
  } finally {
    busy = false;
    byId("drawing").textContent = "";
  }
}

function show(pictures) {
  for (const picture of byId("samples").querySelectorAll("img")) URL.revokeObjectURL(picture.src);
  byId("samples").replaceChildren(...pictures.map(sample));
  mark();
}

function sample(one) {
  const label = fill(one.class === null ? texts.choose : texts.choose_of, one);
  const button = el("button", { type: "button", title: label, "aria-label": label, "data-seed": one.seed, onclick: () => choose(one) }, el("img", { src: source(one.png), alt: "", class: "pixels" }));
  return el("li", {}, button);
}

/** As a shell takes it. */
const quoted = (text) => (/^[\w.,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function command({ truncation, class: of_class, code: of_code }) {
  const place = model.job ? "RUN" : quoted(model.name);
  const flags = [truncation === null ? "" : ` --truncation ${truncation}`, of_class === null ? "" : ` --class ${quoted(of_class)}`, of_code === null ? "" : ` --code ${quoted(of_code)}`].join("");
  const lines = [`scumble gan sample ${place} --seeds ${first()}-${first() + COUNT - 1}${flags}`];
  if (chosen.length > 1) lines.push(`scumble gan interpolate ${place} --seeds ${chosen.map((one) => one.seed).join(",")}`);
  byId("command").textContent = lines.join("\n");
}

// --- Between the chosen ---------------------------------------------------------------------------------------------

function choose(one) {
  const there = chosen.findIndex(({ seed }) => seed === one.seed);
  if (there >= 0) chosen.splice(there, 1);
  else chosen.push(one);
  mark();
  told(way);
}

function forget() {
  chosen = [];
  mark();
  way();
}

function mark() {
  for (const button of byId("samples").querySelectorAll("button")) {
    const place = chosen.findIndex(({ seed }) => String(seed) === button.dataset.seed);
    button.setAttribute("aria-pressed", String(place >= 0));
    button.dataset.place = place >= 0 ? place + 1 : "";
  }
  byId("clear").hidden = chosen.length === 0;
  byId("choose-help").hidden = chosen.length > 1;
  byId("chosen").replaceChildren(...chosen.map((one) => el("li", {}, el("img", { src: source(one.png), alt: fill(texts.choose, one), class: "pixels" }))));
}

/** The way is of one class: that of its first picture. */
const of_way = () => ({ ...wanted(), class: wanted().class ?? chosen[0].class, seeds: chosen.map(({ seed }) => seed) });

async function way() {
  stop();
  byId("way").hidden = chosen.length < 2;
  if (chosen.length < 2) return;
  const before = chosen.length;
  const found = await post(`${address}/walk`, { ...of_way(), between: BETWEEN });
  if (chosen.length !== before) return; // somebody has chosen on
  for (const frame of frames) URL.revokeObjectURL(frame);
  frames = found.frames.map(source);
  byId("position").max = frames.length - 1;
  byId("position").value = Math.min(byId("position").value, frames.length - 1);
  show_frame();
  command(of_way());
}

function show_frame() {
  const place = Number(byId("position").value);
  byId("frame").src = frames[place];
  byId("save").href = frames[place];
  byId("position").style.setProperty("--filled", `${(100 * place) / Math.max(1, frames.length - 1)}%`);
}

function play() {
  byId("play").textContent = texts.stop;
  let step = 1;
  playing = setInterval(() => {
    let place = Number(byId("position").value) + step;
    if (place < 0 || place >= frames.length) {
      step = -step;
      place += 2 * step;
    }
    byId("position").value = place;
    show_frame();
  }, FRAME_MILLISECONDS);
}

function stop() {
  clearInterval(playing);
  playing = 0;
  byId("play").textContent = texts.play;
}

async function film() {
  const button = byId("film");
  button.disabled = true;
  button.textContent = texts.filming;
  await told(async () => {
    const ending = byId("ending").value;
    const between = Math.max(4, Math.min(24, Math.floor(400 / chosen.length)));
    const made = await picture(`${address}/film`, { ...of_way(), between, seconds: Number(byId("seconds").value), closed: byId("loop").checked, ending });
    const link = el("a", { href: URL.createObjectURL(made), download: `${model.name}${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  button.disabled = false;
  button.textContent = texts.download_film;
}

begin();
