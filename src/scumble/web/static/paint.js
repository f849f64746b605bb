// The page where a photograph and paintings become a picture: what was chosen, a preview that follows the settings, what
// the work will take, and its start.
import words from "/words.js";
import { Refused, get, picture, pictureOf, post, unique, upload } from "/static/api.js";
import { Brush } from "/static/brush.js";
import { byId, bytes, debounced, duration, el, fill, icon, notice, told } from "/static/dom.js";
import { Form } from "/static/form.js";
import { names_of } from "/static/recipe.js";
import { Viewer } from "/static/viewer.js";

const TITLES = { stylize: words.paint.title_of, texture: words.paint.texture_of }; // by the kinds of jobs of this page
const SHOWN = 1600; // pixels of the photograph's longer side on the page
const MOST_OWN = 9; // paintings that somebody brought and that stay at hand
const MASK_SIDE = 1024;
const PREVIEW_WAIT = 120, PLAN_WAIT = 350; // milliseconds after the last change
const client = unique();

const chosen = { content: null, styles: [], shares: {} }; // pictures have "id" and "name"; shares are by id
const own = []; // paintings that somebody brought
let shelf = [];
let forms; // what is told of them, by kind
let form;
let kind = "stylize";

const viewer = new Viewer(byId("viewer"), { after: words.paint.preview });
const brush = new Brush(viewer, byId("brush"), () => brushed());
const busy = el("p", { class: "viewer-busy", role: "status", hidden: true }, words.paint.previewing);
viewer.stage.append(byId("drop"), busy);
const brush_button = el("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => open_brush(!brush.is_open) }, icon("brush"), el("span", {}, words.brush.open));
const other_button = el("button", { type: "button", class: "button push", onclick: () => byId("photograph").click() }, icon("photo"), el("span", {}, words.paint.another_photograph));
viewer.bar.append(brush_button, other_button);

/** The settings as they were given, with the shares of several paintings. */
function settings() {
  const shares = chosen.styles.map(({ id }) => chosen.shares[id] ?? 1);
  const unequal = new Set(shares).size > 1;
  return { ...form.values(), ...(unequal && !brush_masks() ? { shares } : {}) };
}

/** Whether masks say which painting goes where, so that shares have no say. */
const brush_masks = () => chosen.styles.slice(1).some(({ id }) => brush.layers.has(id)) && brush.used;

/** Paints a photograph, or makes a texture of paintings alone: what both have is kept. */
function set_kind(wanted) {
  if (form && kind === wanted) return;
  const given = form?.values() ?? {};
  kind = wanted;
  form = new Form(byId("settings"), forms[kind], refresh, ["shares"]);
  form.set(given);
}

// What is chosen

async function choose_content(content, file) {
  chosen.content = content;
  set_kind("stylize");
  brush.resize([content.width ?? 3, content.height ?? 2]);
  byId("drop").hidden = true;
  viewer.whole();
  await viewer.show(file ? URL.createObjectURL(file) : pictureOf(content.id, SHOWN)).catch(() => viewer.show(pictureOf(content.id, SHOWN)));
  viewer.compare_with(pictureOf(content.id, SHOWN));
  changed();
}

function remove_content() {
  chosen.content = null;
  viewer.clear();
  byId("drop").hidden = false;
}

function pick(painting) {
  const only = chosen.styles.length === 1 && chosen.styles[0].id === painting.id;
  if (chosen.styles.length > 1 && is_chosen(painting)) chosen.styles = chosen.styles.filter(({ id }) => id !== painting.id);
  else if (!only) chosen.styles = [painting];
  changed();
}

function add(painting) {
  if (!is_chosen(painting)) chosen.styles.push(painting);
  changed();
}

/** A name without its ending. */
const plain = (name) => name.replace(/\.\w{1,5}$/, "");

const is_chosen = (painting) => chosen.styles.some(({ id }) => id === painting.id);

function bring(painting, first) {
  if (!own.some(({ id }) => id === painting.id)) own.push(painting);
  if (own.length > MOST_OWN) own.splice(own.findIndex((one) => !is_chosen(one)), 1);
  if (first) pick_only(painting);
  else add(painting);
}

function pick_only(painting) {
  chosen.styles = [painting];
  changed();
}

function changed() {
  draw_shelf();
  draw_shares();
  brush.set_paintings(chosen.styles);
  refresh();
}

function refresh() {
  keep_draft();
  byId("reset").hidden = Object.keys(form.values()).filter((name) => name !== "preset").length === 0;
  const missing = chosen.content || kind === "texture" ? (chosen.styles.length ? "" : words.paint.need_painting) : words.paint.need_photograph;
  byId("start").disabled = missing !== "";
  byId("texture").hidden = Boolean(chosen.content) || !chosen.styles.length;
  byId("texture").textContent = kind === "texture" ? words.paint.no_texture : words.paint.texture;
  byId("plan").textContent = missing || words.paint.plan_waiting;
  plan();
  preview();
}

// The shelf

function tile(painting) {
  const place = chosen.styles.findIndex(({ id }) => id === painting.id);
  const several = chosen.styles.length > 1;
  const pick_it = el("button", { type: "button", class: "pick", "aria-pressed": place >= 0, title: painting.about ?? painting.name, "aria-label": painting.name, onclick: () => pick(painting) }, el("img", { src: pictureOf(painting.id, 256), alt: "", loading: "lazy" }));
  const corner = chosen.styles.length && (place < 0 || several);
  const label = fill(place < 0 ? words.paint.add : words.paint.remove, { name: painting.name });
  return el(
    "li",
    { class: "tile", "data-id": painting.id },
    pick_it,
    el("p", { class: "name", title: painting.name }, plain(painting.name)),
    several && place >= 0 ? el("span", { class: "number", "aria-hidden": "true" }, place + 1) : null,
    corner ? el("button", { type: "button", class: "corner", title: label, "aria-label": label, onclick: () => (place < 0 ? add(painting) : pick(painting)) }, place < 0 ? "+" : "×") : null,
  );
}

function draw_shelf() {
  const focused = document.activeElement?.closest?.(".tile")?.dataset.id;
  const last = byId("shelf").querySelector(".own");
  for (const old of byId("shelf").querySelectorAll(".tile:not(.own)")) old.remove();
  last.before(...[...own, ...shelf].map(tile));
  if (focused) byId("shelf").querySelector(`[data-id="${CSS.escape(focused)}"] .pick`)?.focus();
}

function draw_shares() {
  const several = chosen.styles.length > 1 && !brush_masks(); // masks say where each painting goes, all of it
  byId("shares").hidden = !several;
  byId("shares").replaceChildren(...(several ? chosen.styles.map(share_field) : []));
}

function share_field({ id, name }) {
  const show = (slider) => slider.style.setProperty("--filled", `${slider.value}%`);
  const move = () => {
    chosen.shares[id] = Number(slider.value) / 50;
    show(slider);
    refresh();
  };
  const label = fill(words.paint.share, { name });
  const slider = el("input", { type: "range", min: 0, max: 100, step: 5, value: (chosen.shares[id] ?? 1) * 50, "aria-label": label, oninput: move });
  show(slider);
  return el("div", { class: "share" }, el("span", { title: name }, plain(name)), slider);
}

// Pictures that come

/** Uploads files and puts each where it belongs: where they were dropped, or a photograph first and paintings after it. */
async function take(files, where = "anywhere") {
  const pictures = [...files];
  await begun; // what is dropped meanwhile comes on top of what was there before
  if (!pictures.length || !form) return;
  notice(fill(words.paint.uploading, { name: pictures.map(({ name }) => name).join(", ") }));
  const uploads = await told(() => upload(pictures));
  if (!uploads) return;
  byId("notices").replaceChildren();
  let first = where !== "blend";
  for (const [place, one] of uploads.entries()) {
    if (one.recipe && where !== "painting") await recall(one);
    else if (where === "photograph" || (where === "anywhere" && !chosen.content)) {
      await choose_content(one, pictures[place]);
      where = "painting";
    } else {
      bring(one, first);
      first = false;
    }
  }
}

/** A picture that scumble has painted: its settings, and its photograph and paintings where they are still here. */
async function recall({ name, recipe }) {
  if (!(recipe.job in TITLES)) {
    notice(fill(words.paint.recalled_other, { name }), true);
    return;
  }
  const missing = [];
  const found = async (role) => {
    const input = recipe.inputs?.[role];
    if (!input) return null;
    const here = await uploaded(input.sha256, input.name);
    if (!here) missing.push(input.name);
    return here;
  };
  const content = await found("content");
  const styles = [];
  for (let place = 1; recipe.inputs?.[role_of(place)]; place += 1) {
    const style = await found(role_of(place));
    if (style) styles.push(style);
  }
  const masks = [];
  for (let place = 1; recipe.inputs?.[role_of(place, "mask")]; place += 1) masks.push(await found(role_of(place, "mask")));
  const protect = await found("protect");
  await restore({ kind: recipe.job, content, styles, settings: recipe.settings ?? {}, masks, protect });
  notice(fill(missing.length ? words.paint.recalled_some : words.paint.recalled, { name, missing: missing.join(", ") }));
}

const role_of = (place, role = "style") => (place === 1 ? role : `${role} ${place}`);

/** A picture of this digest, if it is on the shelf or was uploaded. */
async function uploaded(id, name) {
  const drawn = shelf.find((painting) => painting.sha256 === id || painting.id === id);
  if (drawn) return drawn;
  const size = await size_of(id);
  return size && { id, name, ...size };
}

/** Width and height, in some measure, of an upload that is still here; null for one that is not. */
async function size_of(id) {
  const small = new Image();
  small.src = pictureOf(id, 256);
  return small.decode().then(() => ({ width: small.naturalWidth, height: small.naturalHeight }), () => null);
}

/** Puts back what was chosen once. */
async function restore({ kind: wanted = "stylize", content, styles, settings: given, shares, masks = [], protect }) {
  if (wanted === "texture") remove_content();
  set_kind(wanted);
  form.set(given);
  if (styles.length) chosen.styles = styles;
  for (const style of styles) if (!shelf.includes(style) && !own.some(({ id }) => id === style.id)) own.push(style);
  const weights = shares ?? given.shares ?? [];
  styles.forEach(({ id }, place) => (chosen.shares[id] = weights[place] ?? 1));
  if (content) await choose_content(content);
  else changed();
  const address = (mask) => mask && pictureOf(mask.id, MASK_SIDE);
  if (content) await brush.take(masks.map(address), address(protect));
}

// What is kept for the next time that this page is opened, in this browser

const keep_draft = debounced(() => {
  const draft = { kind, content: chosen.content, styles: chosen.styles, own, settings: form.values(), shares: chosen.styles.map(({ id }) => chosen.shares[id] ?? 1) };
  localStorage.setItem("draft", JSON.stringify(draft));
}, 300);

async function take_up_draft() {
  const draft = JSON.parse(localStorage.getItem("draft") ?? "null");
  if (!draft) return;
  const still_here = async (one) => (one && (await uploaded(one.id, one.name)) ? { ...one } : null);
  for (const one of draft.own) if (await still_here(one)) own.push(one);
  const styles = (await Promise.all(draft.styles.map(still_here))).filter(Boolean);
  await restore({ ...draft, content: await still_here(draft.content), styles });
}

/** What a job was given, to be painted again with other settings. */
async function take_up_job(id) {
  const job = await get(`/api/jobs/${encodeURIComponent(id)}`);
  const names = names_of(job);
  const found = (role) => Promise.all((job.inputs[role] ?? []).map((one, place) => uploaded(one, names[role][place])));
  const [[content], styles, masks, [protect]] = await Promise.all(["content", "style", "mask", "protect"].map(found));
  await restore({ kind: job.kind, content, styles: styles.filter(Boolean), settings: job.settings, masks, protect });
}

// What the work takes, and how it will look

const request = () => ({ content: chosen.content.id, styles: chosen.styles.map(({ id }) => id), settings: settings() });
const inputs = () => ({ ...(chosen.content ? { content: [chosen.content.id] } : {}), style: chosen.styles.map(({ id }) => id) });
const ready = () => chosen.styles.length > 0 && (chosen.content || kind === "texture");

/** A function that asks once changes have ceased, and lets go of an answer that nobody waits for any more. */
function newest(wait, ask) {
  let running;
  const begin = debounced(async () => {
    if (!ready()) return;
    const here = (running = new AbortController());
    try {
      await ask(here.signal);
    } catch (error) {
      if (error.name !== "AbortError" && !here.signal.aborted) throw error;
    }
  }, wait);
  return () => {
    running?.abort();
    begin();
  };
}

const plan = newest(PLAN_WAIT, async (signal) => {
  try {
    const answer = await post("/api/plan", { client, kind, settings: settings(), inputs: inputs() }, { signal });
    form.wrong(null);
    const time = answer.seconds === null ? "" : duration(answer.seconds);
    byId("plan").textContent = fill(words.paint.plan, { ...answer, time, memory: bytes(answer.memory_bytes) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    byId("plan").textContent = form.wrong(error.field, error.message) ? "" : error.message;
  }
});

let shown; // the preview's address, which is let go of with the next
const preview = newest(PREVIEW_WAIT, async (signal) => {
  if (!chosen.content) return; // a texture is as large as its strokes: a small one shows nothing of it
  const waiting = setTimeout(() => (busy.hidden = signal.aborted), 250); // a quick answer needs no word
  busy.classList.remove("failed");
  busy.textContent = words.paint.previewing;
  try {
    const address = URL.createObjectURL(await picture("/api/preview", { client, ...request() }, signal));
    await viewer.show(address);
    if (shown) URL.revokeObjectURL(shown);
    shown = address;
    clearTimeout(waiting);
    if (!signal.aborted) busy.hidden = true;
  } catch (error) {
    clearTimeout(waiting);
    if (error.name === "AbortError" || (error instanceof Refused && error.status === 409)) return; // superseded
    if ((busy.hidden = form.wrong(error.field, error.message))) return; // said beside the setting
    busy.classList.add("failed");
    busy.textContent = fill(words.paint.no_preview, { error: error.message });
  }
});

// The brush

function open_brush(yes) {
  brush.open(yes);
  brush_button.setAttribute("aria-pressed", yes);
  brush_button.lastChild.textContent = yes ? words.brush.close : words.brush.open;
}

function brushed() {
  brush_button.classList.toggle("used", brush.used);
  draw_shares();
  refresh();
}

// The start

let key = unique(); // of this job: a start that is sent twice starts one

function title() {
  const content = plain(chosen.content?.name ?? words.paint.photograph);
  return fill(TITLES[kind], { content, styles: chosen.styles.map(({ name }) => plain(name)).join(", ") }).slice(0, 200);
}

async function start() {
  const button = byId("start");
  button.disabled = true;
  button.textContent = words.paint.starting;
  try {
    const { protect, masks } = kind === "texture" ? { protect: null, masks: [] } : await brush.masks();
    const names = [...masks.map((_, place) => `mask-${place + 1}.png`), ...(protect ? ["protect.png"] : [])];
    const brushes = [...masks, ...(protect ? [protect] : [])].map((blob, place) => new File([blob], names[place], { type: "image/png" }));
    const ids = brushes.length ? (await upload(brushes)).map(({ id }) => id) : [];
    const regions = { ...(masks.length ? { mask: ids.slice(0, masks.length) } : {}), ...(protect ? { protect: ids.slice(-1) } : {}) };
    const job = await post("/api/jobs", { kind, title: title(), settings: settings(), inputs: { ...inputs(), ...regions } }, { key });
    key = unique();
    location.assign(`/jobs/${job.id}`);
  } catch (error) {
    if (!form.wrong(error.field, error.message, true)) notice(error.message, true);
    button.disabled = false;
    button.textContent = words.paint.start;
  }
}

// What people do

function listen() {
  byId("settings-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (ready()) start();
  });
  byId("reset").addEventListener("click", () => form.reset());
  byId("texture").addEventListener("click", () => {
    set_kind(kind === "texture" ? "stylize" : "texture");
    refresh();
  });
  for (const [id, where] of [["photograph", "photograph"], ["painting", "painting"]])
    byId(id).addEventListener("change", async (event) => {
      const files = [...event.target.files];
      event.target.value = ""; // the same file may be chosen again
      await take(files, where);
    });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  let over = 0; // the number of elements that are entered and not left
  const files = (event) => event.dataTransfer?.types.includes("Files");
  const veil = (change) => (byId("veil").hidden = (over = change) <= 0);
  document.addEventListener("dragenter", (event) => files(event) && veil(over + 1));
  document.addEventListener("dragleave", (event) => files(event) && veil(over - 1));
  document.addEventListener("dragover", (event) => files(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    veil(0);
    const on = (id) => event.target.closest?.(id);
    take(event.dataTransfer.files, on("#paintings") ? "painting" : "anywhere");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    byId("start").textContent = words.paint.start; // back from the job's page
    refresh();
  });
}

async function begin() {
  const kinds = Object.keys(TITLES);
  const [drawn, ...described] = await Promise.all([get("/api/shelf"), ...kinds.map((one) => get(`/api/forms/${one}`))]);
  shelf = drawn;
  forms = Object.fromEntries(kinds.map((one, place) => [one, described[place]]));
  set_kind("stylize");
  changed();
  const again = new URLSearchParams(location.search).get("again");
  await (again ? take_up_job(again) : take_up_draft());
}

listen();
const begun = told(begin);
