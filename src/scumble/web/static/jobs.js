// The queue: what is at work, what waits, in an order that can be changed, and what was before.
import words from "/words.js";
import { get, pictureOf, post, remove } from "/static/api.js";
import { count_jobs } from "/static/base.js";
import { byId, bytes, debounced, duration, el, fill, icon, notice, sure, told, when } from "/static/dom.js";
import { page_of, picture_of, title_of } from "/static/recipe.js";
import { follow } from "/static/stream.js";

const BILLION = 1e9;
const MOST_BEFORE = 60; // entries that were; the gallery has all pictures
let jobs = [];

async function load() {
  jobs = await get("/api/jobs");
  draw();
}

function draw() {
  const focused = document.activeElement?.closest?.("[data-job]")?.dataset.job;
  const again = document.activeElement?.className;
  const in_state = (...states) => jobs.filter((job) => states.includes(job.state));
  const before = in_state("done", "cancelled", "failed").sort((one, other) => other.since - one.since);
  fill_list("at-work", in_state("running"));
  fill_list("waiting-jobs", in_state("queued", "paused"));
  fill_list("before", before.slice(0, MOST_BEFORE));
  byId("empty").hidden = jobs.length > 0;
  count_jobs(jobs);
  if (focused) document.querySelector(`[data-job="${CSS.escape(focused)}"] .${again.split(" ").join(".")}`)?.focus();
}

function fill_list(id, shown) {
  byId(id).parentElement.hidden = !shown.length;
  byId(id).replaceChildren(...shown.map((job) => entry(job, id === "waiting-jobs" && shown.length > 1)));
}

function entry(job, movable) {
  const title = title_of(job);
  const picture = small_picture(job);
  const state = el("span", { class: "state", "data-state": job.state }, words.job.states[job.state]);
  const line = el("span", { class: "line" }, state, el("span", { class: "left" }, told_of(job)));
  const progress = job.state === "running" ? el("progress", { max: 1, "aria-label": words.job.progress }) : null;
  const element = el(
    "li",
    { class: movable ? "entry" : "entry no-grip", "data-job": job.id },
    movable ? grip(job, title) : null,
    picture ? el("img", { src: picture, alt: "", loading: "lazy" }) : el("span", { class: "blank" }),
    el("div", {}, el("a", { class: "title", href: page_of(job) }, title), line, progress),
    el("div", { class: "row" }, ...buttons(job, title)),
  );
  show_progress(element, job.progress);
  return element;
}

/** The address of what it has made so far, or of what it is made of. */
function small_picture(job) {
  const made = picture_of(job);
  if (made) return `${made.url}?side=256`;
  const given = [...(job.inputs.content ?? []), ...(job.inputs.style ?? [])];
  return given.length ? pictureOf(given[0], 256) : null;
}

function told_of(job) {
  if (job.state === "failed") return job.message;
  const kind = words.job.kinds[job.kind] ?? job.kind;
  return job.state === "running" ? kind : `${kind}, ${when(job.since)}`;
}

function show_progress(element, progress) {
  const bar = element.querySelector("progress");
  if (!bar || !progress?.total) return;
  bar.value = progress.done / progress.total;
  const left = progress.seconds_left;
  if (left !== null && left !== undefined) element.querySelector(".left").textContent = fill(words.job.left, { time: duration(left) });
}

function buttons(job, title) {
  const button = (name, sign, work) => {
    const label = `${words.job[name]}: ${title}`;
    return el("button", { type: "button", class: `plain ${name}`, title: words.job[name], "aria-label": label, onclick: () => told(work) }, icon(sign));
  };
  const act = (name) => async () => {
    await post(`/api/jobs/${job.id}/${name}`);
    await load();
  };
  const delete_it = async () => {
    if (!(await sure(words.job.delete_sure, words.job.delete))) return;
    await remove(`/api/jobs/${job.id}`);
    await Promise.all([load(), draw_disk()]);
  };
  const found = [];
  if (["running", "queued"].includes(job.state)) found.push(button("pause", "pause", act("pause")));
  if (["paused", "failed", "cancelled"].includes(job.state)) found.push(button("resume", "resume", act("resume")));
  if (["running", "queued", "paused"].includes(job.state)) found.push(button("cancel", "stop", act("cancel")));
  if (["done", "cancelled", "failed"].includes(job.state)) found.push(button("delete", "trash", delete_it));
  return found;
}

// The order

const waiting = () => [...byId("waiting-jobs").children];

function grip(job, title) {
  const label = fill(words.jobs.move, { title });
  const button = el("button", { type: "button", class: "plain grip", title: label, "aria-label": label }, icon("grip"));
  button.addEventListener("keydown", (event) => {
    const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const places = waiting().map((element) => element.dataset.job);
    const place = places.indexOf(job.id);
    const next = place + way;
    if (next < 0 || next >= places.length) return;
    told(() => move(job.id, places[way < 0 ? next : next + 1] ?? null));
  });
  button.addEventListener("pointerdown", (event) => drag(event, button, job.id));
  return button;
}

function drag(event, button, id) {
  if (event.button !== 0) return;
  event.preventDefault();
  button.focus();
  button.setPointerCapture(event.pointerId);
  const own = button.closest(".entry");
  own.classList.add("dragged");
  let before; // the entry that it would stand before; null for the end
  const over = (moved) => {
    before = waiting().find((entry) => moved.clientY < entry.getBoundingClientRect().top + entry.offsetHeight / 2) ?? null;
    for (const entry of waiting()) entry.classList.toggle("target", entry === before && entry !== own);
  };
  button.addEventListener("pointermove", over);
  button.addEventListener(
    "lostpointercapture",
    () => {
      button.removeEventListener("pointermove", over);
      for (const entry of waiting()) entry.classList.remove("target", "dragged");
      if (before !== undefined && before !== own) told(() => move(id, before?.dataset.job ?? null));
    },
    { once: true },
  );
}

async function move(id, before) {
  await post(`/api/jobs/${id}/move`, { before });
  await load();
  const places = waiting().map((element) => element.dataset.job);
  notice(fill(words.jobs.moved, { title: title_of(jobs.find((job) => job.id === id)), place: places.indexOf(id) + 1, count: places.length }));
}

// The disk

async function draw_disk() {
  const { total, limits } = await get("/api/disk");
  byId("disk-section").hidden = false;
  byId("disk").textContent = fill(limits.disk_bytes ? words.jobs.disk_of : words.jobs.disk, { used: bytes(total), limit: bytes(limits.disk_bytes ?? 0) });
  for (const input of byId("limits").querySelectorAll("input")) {
    const value = limits[input.name];
    input.value = value === null || value === undefined ? "" : input.name === "waiting" ? value : value / BILLION;
  }
}

byId("limits").addEventListener("submit", (event) => {
  event.preventDefault();
  told(async () => {
    const given = [...byId("limits").querySelectorAll("input")].filter(({ value }) => value !== "");
    await post("/api/disk", Object.fromEntries(given.map(({ name, value }) => [name, Math.round(name === "waiting" ? value : value * BILLION)])));
    await draw_disk();
    notice(words.jobs.limits_saved);
  });
});

// Changes, here or in another window

const reload = debounced(() => told(load), 150);

function take(message) {
  const job = jobs.find(({ id }) => id === message.job);
  if (!job || job.state !== message.state || (message.order ?? job.order) !== job.order) {
    if (job || message.state !== "deleted") reload();
    return;
  }
  const element = document.querySelector(`[data-job="${CSS.escape(message.job)}"]`);
  if (element && message.progress) show_progress(element, message.progress);
  // Why it waits, where that is not for its turn: the stream knows what keeps all jobs from being worked on.
  if (element && job.state === "queued" && message.message !== job.message) element.querySelector(".left").textContent = message.message;
}

told(async () => {
  await load();
  follow("/api/events", take);
  await draw_disk();
});
