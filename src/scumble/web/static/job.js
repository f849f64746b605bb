// One job: the picture while it is painted and when it is done, what to do with it, and how it came about. Everything is
// in the job's folder: the page may be closed and opened again anywhere.
import words from "/words.js";
import { get, pictureOf, post, remove, Unreachable } from "/static/api.js";
import { count_jobs } from "/static/base.js";
import { byId, bytes, debounced, duration, el, fill, icon, notice, sure, told, when } from "/static/dom.js";
import { command, command_line, copy_button, facts, names_of, page_of, picture_of, results_of, text_of, title_of } from "/static/recipe.js";
import { follow } from "/static/stream.js";
import { Viewer } from "/static/viewer.js";

const id = location.pathname.split("/").pop();
const address = `/api/jobs/${encodeURIComponent(id)}`;
const PAINTS = ["stylize"]; // a photograph, to compare with
const REPEATED = [...PAINTS, "texture"]; // on the page where one paints
const PAINTED = [...PAINTS, "texture", "batch", "apply"];
const AGAIN_AFTER = 1000; // milliseconds, where nobody answered
const SHOWN = 2048; // pixels of the photograph's longer side, to compare with
const SAID = ["noted", "warned", "detailed", "planned", "estimated"]; // events that are words for people
const NOT_FIGURES = ["event", "n", "time", "job", "outputs", "seconds", "recipe"];

const viewer = new Viewer(byId("viewer"));
let job;
let form = null; // of its settings
let frames = [];
let close_stream = () => {};
let seen = 0; // the number of the last event
let showing = ""; // the picture's address

async function load() {
  try {
    job = await get(address);
  } catch (error) {
    if (error.status !== 404) throw error;
    byId("missing").hidden = false;
    byId("job").hidden = true;
    return false;
  }
  byId("job").hidden = false;
  draw();
  count_jobs();
  return true;
}

/** What an event has told of: asked for until there is an answer, since no other event may tell of it. */
async function reload() {
  try {
    await load();
  } catch (error) {
    if (error instanceof Unreachable) setTimeout(reload, AGAIN_AFTER);
    else notice(error.message, true);
  }
}

function draw() {
  document.title = `${title_of(job)} · scumble`;
  byId("title").textContent = title_of(job);
  draw_state();
  draw_actions();
  draw_inputs();
  const given = facts(job.settings, form);
  byId("settings").replaceChildren(...given);
  byId("settings-section").hidden = !given.length;
  byId("command").replaceChildren(command_line(command(job) ?? ""));
  byId("command-section").hidden = !command(job);
  const results = job.files.filter(({ kind }) => kind === "result");
  byId("files-section").hidden = results.length < 2;
  byId("files").replaceChildren(...results.map((file) => el("li", {}, el("a", { href: `${file.url}?download` }, file.name.replace(/^result\//, "")), el("span", { class: "quiet" }, bytes(file.bytes ?? 0)))));
  draw_frames();
  draw_picture();
}

function draw_state() {
  byId("state").textContent = words.job.states[job.state];
  byId("state").dataset.state = job.state;
  byId("message").textContent = job.state === "queued" ? words.job.queued_help : ["done", "running"].includes(job.state) ? "" : job.message;
  byId("message").classList.toggle("failed", job.state === "failed");
  const time = when(job.since);
  byId("time").textContent = ["queued", "paused"].includes(job.state) ? fill(words.job.since, { time }) : time;
  draw_progress(job.progress);
}

function draw_progress(progress) {
  byId("progress").hidden = !progress?.total || !["running", "paused"].includes(job.state);
  if (byId("progress").hidden) return;
  byId("progress").value = progress.done / progress.total;
  if (job.state !== "running") return;
  const left = progress.seconds_left;
  byId("time").textContent = left === null || left === undefined ? words.job.some_time : fill(words.job.left, { time: duration(left) });
}

// What can be done

function button(label, sign, work, kind = "") {
  return el("button", { type: "button", class: `button ${kind}`, onclick: () => told(work) }, icon(sign), label);
}

const act = (name) => async () => {
  job = await post(`${address}/${name}`);
  draw();
  listen();
};

function draw_actions() {
  const [result] = results_of(job);
  const ended = ["done", "cancelled", "failed"].includes(job.state);
  const actions = [];
  if (["running", "queued"].includes(job.state)) actions.push(button(words.job.pause, "pause", act("pause")));
  if (["paused", "cancelled", "failed"].includes(job.state)) actions.push(button(words.job.resume, "resume", act("resume")));
  if (["running", "paused", "queued"].includes(job.state)) actions.push(button(picture_of(job) ? words.job.cancel : words.job.cancel_plain, "stop", act("cancel")));
  if (ended && result && PAINTED.includes(job.kind)) actions.unshift(el("a", { class: "button main wide", href: `${result.url}?download`, download: "" }, icon("download"), words.job.download));
  if (REPEATED.includes(job.kind)) actions.push(el("a", { class: "button", href: `/?again=${job.id}` }, icon("again"), words.job.again));
  if (page_of(job) !== location.pathname) actions.push(el("a", { class: "button", href: page_of(job) }, words.job.watch));
  if (ended) actions.push(button(words.job.delete, "trash", delete_it, "danger"));
  byId("actions").replaceChildren(...actions);
}

async function delete_it() {
  if (!(await sure(words.job.delete_sure, words.job.delete))) return;
  close_stream();
  await remove(address);
  location.assign("/gallery");
}

// Pictures

function draw_inputs() {
  const names = names_of(job);
  const pictures = Object.entries(job.inputs).flatMap(([role, ids]) => ids.map((one, place) => ({ role, one, name: names[role][place] })));
  const known = pictures.filter(({ one }) => /^([0-9a-f]{64}|shelf:\w+)$/.test(one));
  byId("inputs-section").hidden = !known.length;
  byId("inputs").replaceChildren(...known.map(({ role, one, name }) => el("li", { title: name }, el("img", { src: pictureOf(one, 256), alt: `${words.job.roles[role] ?? role}: ${name}` }))));
}

/** The result once there is one; until then, the newest preview. */
function draw_picture() {
  const file = picture_of(job);
  const content = job.inputs.content?.[0];
  viewer.element.classList.toggle("waiting", !file);
  byId("job").classList.toggle("no-picture", !file && !PAINTED.includes(job.kind));
  if (!file) {
    if (content && PAINTS.includes(job.kind) && !viewer.newest) viewer.show(pictureOf(content, SHOWN)).catch(() => {});
    return;
  }
  const next = file.kind === "result" ? file.url : `${file.url}?n=${seen}`;
  if (next === showing || byId("timelapse").matches(".looking")) return;
  showing = next;
  viewer.show(next).then(compare, () => {}); // a newer one comes
}

/** Of many that are told of at once, as on opening the page, the last. */
const new_picture = debounced(async () => {
  if (!picture_of(job)) await reload();
  draw_picture();
}, 50);

function compare() {
  const content = PAINTS.includes(job.kind) && job.inputs.content?.[0];
  if (content && viewer.buttons.compare.hidden) viewer.compare_with(pictureOf(content, SHOWN));
}

function draw_frames() {
  frames = job.files.filter(({ kind }) => kind === "frame");
  byId("timelapse").hidden = frames.length < 2 || ["running", "queued"].includes(job.state);
  byId("frame").max = frames.length + 1; // the last is the result itself
  if (!byId("timelapse").matches(".looking")) byId("frame").value = frames.length + 1;
  name_frame();
}

function name_frame() {
  const number = Number(byId("frame").value);
  const text = fill(words.job.frame, { number, count: frames.length + 1 });
  byId("frame-number").textContent = text;
  byId("frame").setAttribute("aria-valuetext", text);
  byId("frame").style.setProperty("--filled", `${(100 * (number - 1)) / frames.length}%`);
}

byId("frame").addEventListener("input", () => {
  const frame = frames[Number(byId("frame").value) - 1];
  byId("timelapse").classList.toggle("looking", Boolean(frame));
  name_frame();
  showing = "";
  if (frame) viewer.show(frame.url, viewer.size).catch(() => {});
  else draw_picture();
});

// Events

function listen() {
  close_stream();
  close_stream = follow(`${address}/events`, take, reload, seen);
}

async function take(event) {
  seen = event.n ?? seen;
  if (event.event === "progress") {
    job.progress = event;
    draw_progress(event);
  } else if (event.event === "preview") {
    new_picture();
  } else if (event.event === "state") {
    if (event.state !== job.state) await reload(); // else it is an old one, told again
  } else if (SAID.includes(event.event)) {
    say(event);
  } else if (event.event === "finished" || event.event === "returned") {
    draw_figures(event.value ?? event);
  }
}

function say({ event, message, time }) {
  const log = byId("log");
  log.parentElement.hidden = false;
  log.append(el("li", { class: event }, el("time", {}, time ? when(time) : ""), message));
  log.scrollTop = log.scrollHeight;
}

/** The plain figures that a job ends with. */
function draw_figures(values) {
  const figures = Object.entries(values).filter(([name, value]) => !NOT_FIGURES.includes(name) && ["number", "string"].includes(typeof value));
  if (values.seconds) figures.unshift(["seconds", duration(values.seconds)]);
  byId("figures-section").hidden = !figures.length;
  byId("figures").replaceChildren(...figures.flatMap(([name, value]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, text_of(value))]));
}

async function begin() {
  if (!(await load())) return;
  byId("copy").append(copy_button(() => byId("command").textContent));
  listen();
  if (!Object.keys(job.settings).length && !REPEATED.includes(job.kind)) return; // it may have none
  form = await get(`/api/forms/${job.kind}`).catch(() => null);
  draw();
}

told(begin);
