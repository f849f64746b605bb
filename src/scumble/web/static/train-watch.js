// How a training goes: grids, figures and the monitor's warnings, as they come.
import words from "/words.js";
import { byId, debounced, duration, el, fill, told, when } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { follow } from "/static/stream.js";
import { chart } from "/static/chart.js";

const texts = words.train.watch;
const IN_FRONT = ["loss_d", "loss_g", "diversity", "overfitting", "lead", "frechet"];
const RUN = "result/run/settings.json"; // before this is there, it has not begun
const ENDED = ["done", "failed", "cancelled"];
const REST_MILLISECONDS = 1500;

let id;
let grids = [];
const warned = new Map(); // what the job itself warned of, and when
let pinned = false; // whether somebody looks at another grid than the newest

export async function watch(job) {
  id = job;
  byId("slide").addEventListener("input", slide);
  await refresh();
  listen();
}

let deaf = () => {};

/** Follows the job's events: for as long as it is at work, and anew when it goes on. */
function listen() {
  deaf();
  const soon = debounced(refresh, REST_MILLISECONDS);
  let asked = 0;
  const heard = (message) => {
    if (message.event === "warned") warned.set(message.message, message.time);
    if (performance.now() - asked > REST_MILLISECONDS) {
      asked = performance.now();
      refresh();
    }
    soon(); // and once more when the last has come
  };
  deaf = follow(`/api/jobs/${id}/events`, heard, rest);
}

/** While a job rests, looks now and then whether somebody, perhaps in another window, has let it go on. */
async function rest() {
  const state = await refresh();
  if (["queued", "running"].includes(state)) listen();
  else if (state !== "done") setTimeout(rest, REST_MILLISECONDS * 3);
}

const address = (path) => `/api/models/job:${id}/${path}`;

/** Shows how things are now; tells the job's state. */
async function refresh() {
  let job;
  try {
    job = await get(`/api/jobs/${id}`);
  } catch (error) {
    byId("message").textContent = error.status === 404 ? texts.missing : error.message;
    return error.status === 404 ? "done" : "failed";
  }
  // Where that fails, the next look shows it.
  if (job.files.some(({ name }) => name === RUN)) await get(address("progress")).then(show_progress, () => {});
  show_job(job);
  return job.state;
}

function show_job(job) {
  byId("watch-title").textContent = job.title || texts.title;
  byId("state").dataset.state = job.state;
  byId("state").textContent = words.job.states[job.state];
  const { done = 0, total = 0, seconds_left: left } = (job.progress?.total && job.progress) || {};
  byId("progress").value = total ? done / total : 0;
  const parts = total ? [fill(texts.of, { done: done.toLocaleString("en"), total: total.toLocaleString("en") })] : [];
  if (job.state === "running" && left) parts.push(fill(texts.left, { time: duration(left) }));
  byId("done").textContent = parts.join(" · ");
  byId("message").textContent = job.state === "queued" ? texts.waiting : job.state === "failed" ? job.message : "";
  byId("message").className = job.state === "failed" ? "failed" : "quiet";
  actions(job);
  const settings = Object.entries(job.settings ?? {});
  byId("job-settings").replaceChildren(...settings.flatMap(([name, value]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, String(value))]));
}

let shown_for = "";

function actions(job) {
  const has_pictures = grids.length > 0;
  if (shown_for === job.state + has_pictures) return;
  shown_for = job.state + has_pictures;
  const act = (name, text) => el("button", { type: "button", class: "button", onclick: () => told(() => post(`/api/jobs/${id}/${name}`).then(refresh).then(listen)) }, text);
  const buttons = [];
  if (["queued", "running"].includes(job.state)) buttons.push(act("pause", texts.pause));
  if (["paused", "failed", "cancelled"].includes(job.state)) buttons.push(act("resume", texts.resume));
  if (!ENDED.includes(job.state)) buttons.push(act("cancel", texts.stop));
  if (has_pictures) buttons.push(el("a", { class: "button", href: `/models/job:${id}` }, texts.model));
  byId("actions").replaceChildren(...buttons);
}

function show_progress({ curves, warnings, grids: found }) {
  const remark = (text, at) => el("li", {}, el("span", {}, text), el("small", {}, at));
  const seen = new Set(warnings.map(([, text]) => text));
  const others = [...warned].filter(([text]) => !seen.has(text)).map(([text, time]) => remark(text, when(time)));
  const remarks = [...others, ...warnings.map(([images, text]) => remark(text, fill(texts.after, { images: images.toLocaleString("en") })))];
  byId("warnings").replaceChildren(...(remarks.length ? remarks.reverse() : [el("li", { class: "good" }, texts.no_warnings)]));
  const names = Object.keys(curves).filter((name) => curves[name].length > 1);
  const front = IN_FRONT.filter((name) => names.includes(name));
  const rest = names.filter((name) => !front.includes(name));
  byId("no-figures").hidden = names.length > 0;
  byId("charts").replaceChildren(...front.map((name) => chart(name, curves[name])));
  byId("more-charts").replaceChildren(...rest.map((name) => chart(name, curves[name])));
  byId("more-figures").hidden = rest.length === 0;
  grids = found;
  byId("slide").max = Math.max(0, grids.length - 1);
  byId("slide-row").hidden = grids.length < 2;
  if (!pinned) byId("slide").value = grids.length - 1;
  draw_grid();
}

function slide() {
  pinned = Number(byId("slide").value) < grids.length - 1;
  draw_grid();
}

function draw_grid() {
  if (!grids.length) return;
  const place = Number(byId("slide").value);
  const images = grids[place];
  const caption = fill(texts.grid, { images: images.toLocaleString("en") });
  const picture = byId("grid");
  if (picture.dataset.images !== String(images)) {
    picture.dataset.images = images;
    picture.src = address(`grids/${images}`);
    picture.alt = caption;
  }
  picture.hidden = false;
  byId("no-grid").hidden = true;
  byId("grid-caption").textContent = caption;
  byId("slide").style.setProperty("--filled", `${(100 * place) / Math.max(1, grids.length - 1)}%`);
  byId("slide").setAttribute("aria-valuetext", caption);
}
