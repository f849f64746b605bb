// The page where a photograph and paintings become a picture: what was chosen, a preview that follows the settings, what
// the work will take, and its start.
import words from "/words.js";
import { get, pictureOf, post, unique, upload } from "/static/api.js";
import { Brush } from "/static/brush.js";
import { byId, el, fill, icon, notice, told } from "/static/dom.js";
import { Form } from "/static/form.js";
import { planner, previewer } from "/static/paint-live.js";
import { keep_draft, of_draft, of_job, of_recipe } from "/static/paint-recall.js";
import { Shelf, plain } from "/static/paint-shelf.js";
import { Viewer } from "/static/viewer.js";

const TITLES = { stylize: words.paint.title_of, texture: words.paint.texture_of }; // by the kinds of jobs of this page
const SHOWN = 1600; // pixels of the photograph's longer side on the page
const MASK_SIDE = 1024;

let content = null; // the photograph: its "id", "name", "width" and "height"
let kind = "stylize";
let forms; // what is told of them, by kind
let form;
let key; // of the job that would be started: one that is sent twice is started once

const viewer = new Viewer(byId("viewer"), { after: words.paint.preview });
const brush = new Brush(viewer, byId("brush"), () => brushed());
const shelf = new Shelf(byId("shelf"), byId("shares"), (of_shares) => (of_shares ? refresh() : changed()));
const busy = el("p", { class: "viewer-busy", role: "status", hidden: true });
viewer.stage.append(byId("drop"), busy);
const brush_button = el("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => open_brush(!brush.is_open) }, icon("brush"), el("span", {}, words.brush.open));
const other_button = el("button", { type: "button", class: "button push", onclick: () => byId("photograph").click() }, icon("photo"), el("span", {}, words.paint.another_photograph));
viewer.bar.append(brush_button, other_button);

// What is chosen

const ready = () => shelf.chosen.length > 0 && (content || kind === "texture");
const ids = () => shelf.chosen.map(({ id }) => id);

/** The job that would be started, but for its masks. */
function job() {
  const shares = masked() ? null : shelf.shares; // masks say where each painting goes, all of it
  return { kind, settings: { ...form.values(), ...(shares ? { shares } : {}) }, inputs: { ...(content ? { content: [content.id] } : {}), style: ids() } };
}

const masked = () => shelf.chosen.slice(1).some(({ id }) => brush.has(id));

/** Paints a photograph, or makes a texture of paintings alone: the settings that both have are kept. */
function set_kind(wanted) {
  if (form && kind === wanted) return;
  const given = form?.values() ?? {};
  kind = wanted;
  form = new Form(byId("settings"), forms[kind], refresh, ["shares"]);
  form.set(given);
}

async function set_content(photograph, file) {
  content = photograph;
  set_kind("stylize");
  brush.resize([content.width, content.height]);
  byId("drop").hidden = true;
  viewer.whole();
  const address = pictureOf(content.id, SHOWN);
  // The file itself is there at once, where the browser knows its format.
  await viewer.show(file ? URL.createObjectURL(file) : address).catch(() => viewer.show(address));
  viewer.compare_with(address);
}

function remove_content() {
  content = null;
  viewer.clear();
  byId("drop").hidden = false;
}

function changed() {
  shelf.draw(masked());
  brush.set_paintings(shelf.chosen);
  refresh();
}

function refresh() {
  key = unique();
  keep_draft({ kind, content, styles: shelf.chosen, own: shelf.own, settings: form.values(), shares: shelf.shares });
  byId("reset").hidden = Object.keys(form.values()).every((name) => name === "preset");
  byId("texture").hidden = content !== null || !shelf.chosen.length;
  byId("texture").textContent = kind === "texture" ? words.paint.no_texture : words.paint.texture;
  byId("start").disabled = !ready();
  const missing = content || kind === "texture" ? words.paint.need_painting : words.paint.need_photograph;
  byId("plan").textContent = ready() ? words.paint.plan_waiting : missing;
  plan();
  preview();
}

const wrong = (error) => form.wrong(error?.field, error?.message);
const plan = planner(byId("plan"), () => (ready() ? job() : null), wrong);
// A texture is as large as its strokes: a small one shows nothing of it.
const preview = previewer(viewer, busy, () => (ready() && content ? { content: content.id, styles: ids(), settings: job().settings } : null), wrong);

// Pictures that come

/** Uploads files and puts each where it belongs: where they were dropped, or a photograph first and paintings after it. */
async function take(files, where) {
  const pictures = [...files];
  await begun; // what is dropped meanwhile comes on top of what was there before
  if (!pictures.length || !form) return;
  notice(fill(words.paint.uploading, { name: pictures.map(({ name }) => name).join(", ") }));
  const uploads = await told(() => upload(pictures));
  if (!uploads) return;
  byId("notices").replaceChildren();
  let alone = true;
  for (const [place, one] of uploads.entries()) {
    if (one.recipe && where !== "painting") await recall(one);
    else if (where === "photograph" || (where !== "painting" && !content)) {
      await set_content(one, pictures[place]);
      changed();
      where = "painting";
    } else {
      shelf.bring(one, alone);
      alone = false;
    }
  }
}

/** A picture that scumble has made: its settings, and its photograph and paintings where they are still here. */
async function recall({ name, recipe }) {
  if (!(recipe.job in TITLES)) {
    notice(fill(words.paint.recalled_other, { name }), true);
    return;
  }
  const choice = await of_recipe(recipe, shelf);
  await restore(choice);
  notice(fill(choice.missing.length ? words.paint.recalled_some : words.paint.recalled, { name, missing: choice.missing.join(", ") }));
}

/** Puts back what was chosen once. */
async function restore(choice) {
  if (choice.kind === "texture") remove_content();
  set_kind(choice.kind);
  form.set(choice.settings);
  if (choice.styles.length) shelf.choose(choice.styles, choice.shares ?? choice.settings.shares ?? []);
  if (choice.content) await set_content(choice.content);
  changed();
  const address = (mask) => mask && pictureOf(mask.id, MASK_SIDE);
  if (choice.content) await brush.take((choice.masks ?? []).map(address), address(choice.protect));
}

// The brush

function open_brush(yes) {
  brush.open(yes);
  brush_button.setAttribute("aria-pressed", yes);
  brush_button.lastChild.textContent = yes ? words.brush.close : words.brush.open;
}

function brushed() {
  brush_button.classList.toggle("used", brush.used);
  shelf.draw_shares(masked());
  refresh();
}

/** Uploads what was brushed; the ids, by the roles that they have in a job. */
async function regions() {
  if (kind === "texture") return {};
  const { protect, masks } = await brush.masks();
  const named = masks.map((mask, place) => [`mask-${place + 1}.png`, mask]);
  if (protect) named.push(["protect.png", protect]);
  if (!named.length) return {};
  const uploads = await upload(named.map(([name, data]) => new File([data], name, { type: "image/png" })));
  const found = uploads.map(({ id }) => id);
  return { ...(masks.length ? { mask: found.slice(0, masks.length) } : {}), ...(protect ? { protect: found.slice(-1) } : {}) };
}

// The start

function title() {
  const values = { content: plain(content?.name ?? ""), styles: shelf.chosen.map(({ name }) => plain(name)).join(", ") };
  return fill(TITLES[kind], values).slice(0, 200);
}

async function start() {
  const button = byId("start");
  button.disabled = true;
  button.textContent = words.paint.starting;
  try {
    const wanted = job();
    const inputs = { ...wanted.inputs, ...(await regions()) };
    const { id } = await post("/api/jobs", { ...wanted, inputs, title: title() }, { key });
    location.assign(`/jobs/${id}`);
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
  for (const id of ["photograph", "painting"])
    byId(id).addEventListener("change", async (event) => {
      const files = [...event.target.files];
      event.target.value = ""; // the same file may be chosen again
      await take(files, id);
    });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  listen_to_drops();
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    byId("start").textContent = words.paint.start; // back from the job's page
    refresh();
  });
}

function listen_to_drops() {
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
    take(event.dataTransfer.files, event.target.closest?.("#paintings") ? "painting" : undefined);
  });
}

async function begin() {
  const kinds = Object.keys(TITLES);
  const [drawn, ...described] = await Promise.all([get("/api/shelf"), ...kinds.map((one) => get(`/api/forms/${one}`))]);
  shelf.drawn = drawn;
  forms = Object.fromEntries(kinds.map((one, place) => [one, described[place]]));
  set_kind(kind);
  const again = new URLSearchParams(location.search).get("again");
  const choice = await (again ? of_job(again, shelf) : of_draft(shelf).catch(() => null));
  shelf.own = choice?.own ?? [];
  if (choice) await restore(choice);
  else changed();
}

listen();
const begun = told(begin);
