// From labels to a classifier, its table with the baselines, and pictures that it sorts.
import words from "/words.js";
import { byId, el, fill, told } from "/static/dom.js";
import { get, post, unique } from "/static/api.js";
import { picker } from "/static/picker.js";
import { finished } from "/static/jobs-gan.js";

const texts = words.labels;
const LEAST = 2;

let id;
let labels; // () -> the set of labels as it is now
let classifier;

export async function classifying(name, labels_now) {
  id = name;
  labels = labels_now;
  byId("classify-form").addEventListener("submit", start);
  byId("classify-stop").addEventListener("click", stop);
  byId("sort-start").addEventListener("click", sort);
  document.addEventListener("labels", enough);
  enough();
  const models = ((await told(() => get("/api/models"))) ?? []).filter((one) => one.can_draw);
  const asked = new URLSearchParams(location.search).get("model");
  byId("model").replaceChildren(...models.map((one) => el("option", { value: one.id, selected: one.id === asked }, `${one.name} · ${fill(words.models.of, one)}`)));
  byId("no-models").hidden = models.length > 0;
  byId("classify-form").hidden = models.length === 0;
  await resume();
}

function enough() {
  const { classes, labels: given } = labels();
  const counts = classes.map((_, number) => Object.values(given).filter((one) => one === number).length);
  const ready = counts.length > 1 && Math.min(...counts) >= LEAST;
  byId("classify").disabled = !ready;
  byId("need").hidden = ready && Math.min(...counts) >= 10;
}

/** What was made of these labels before: the newest classifier, and what it sorted. */
async function resume() {
  const jobs = ((await told(() => get("/api/jobs"))) ?? []).sort((one, other) => (one.id < other.id ? 1 : -1));
  const made = jobs.find((job) => job.kind === "classify" && job.inputs.labels?.[0] === `labels:${id}` && ["queued", "running", "done"].includes(job.state));
  if (!made) return;
  told(() => wait(made.id));
  const sorted = jobs.find((job) => job.kind === "label" && job.inputs.model?.[0] === `job:${made.id}` && job.state === "done");
  if (sorted) told(() => show_sorted(sorted.id));
}

async function start(event) {
  event.preventDefault();
  const { name, data } = labels();
  await told(async () => {
    const inputs = { model: [byId("model").value], data: [data], labels: [`labels:${id}`] };
    const job = await post("/api/jobs", { kind: "classify", title: name, settings: {}, inputs }, { key: unique() });
    await wait(job.id);
  });
}

let running;

const stop = () => told(() => post(`/api/jobs/${running}/cancel`));

async function wait(job) {
  running = job;
  byId("classifying").hidden = false;
  byId("result").hidden = true;
  byId("classify").disabled = true;
  byId("classify-message").textContent = texts.waits;
  let row_is_whole = false;
  try {
    await finished(job, (message) => {
      if (message.event === "started") byId("classify-message").textContent = texts.classifying;
      if (message.event === "noted") {
        byId("classify-message").textContent = message.message;
        row_is_whole ||= message.message.includes(" a class: ");
      } else if (message.event === "progress" && message.total) {
        byId("classify-progress").value = message.done / message.total;
        if (row_is_whole) show_table(job);
        row_is_whole = false;
      } else if (message.event === "finished") show_rows(message.rows);
    });
    classifier = job;
    byId("sort").hidden = false;
    if (!byId("sort-picker").childElementCount) await picker(byId("sort-picker"), chosen);
  } finally {
    byId("classifying").hidden = true;
    enough();
  }
}

/** The table as far as it has come: it is written after each of its rows. */
async function show_table(job) {
  const table = await get(`/api/jobs/${job}/files/result/classifier/table.json`).catch(() => null);
  if (table && running === job && !byId("classifying").hidden) show_rows(table.rows);
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

function show_rows(rows) {
  const head = el("thead", {}, el("tr", {}, ...texts.table_head.map((text) => el("th", { scope: "col" }, text))));
  const body = rows.map((row) => {
    const wrong = 1 - row.accuracy;
    const interval = row.interval ? `${percent(1 - row.interval[1])} – ${percent(1 - row.interval[0])}` : "";
    const bar = el("meter", { min: 0, max: 1, value: wrong, "aria-hidden": "true" });
    const cells = [el("th", { scope: "row" }, texts.subjects[row.subject] ?? row.subject), el("td", {}, row.labels === "all" ? texts.all : String(row.labels)), el("td", {}, bar, percent(wrong)), el("td", {}, interval)];
    return el("tr", { class: row.subject === "discriminator" ? "own" : undefined }, ...cells);
  });
  byId("rows").replaceChildren(head, el("tbody", {}, ...body));
  byId("result").hidden = false;
}

// --- Sorting --------------------------------------------------------------------------------------------------------

let pictures;

function chosen(one) {
  pictures = one;
  byId("sort-start").disabled = false;
}

async function sort() {
  byId("sort-start").disabled = true;
  byId("sorting").hidden = false;
  byId("sort-message").textContent = texts.waits;
  await told(async () => {
    const inputs = { model: [`job:${classifier}`], data: [pictures.id] };
    const job = await post("/api/jobs", { kind: "label", title: pictures.name, settings: {}, inputs }, { key: unique() });
    await finished(job.id, (message) => {
      byId("sort-message").textContent = texts.sorting;
      if (message.event === "progress" && message.total) byId("sort-progress").value = message.done / message.total;
    });
    await show_sorted(job.id);
  });
  byId("sorting").hidden = true;
  byId("sort-start").disabled = false;
}

async function show_sorted(job) {
  const classes = await get(`/api/sorted/${job}`);
  const sections = classes.map(({ name, count, pictures: some }) => {
    const tiles = some.map(({ number, name: of_picture, probability }) => {
      const sure = fill(texts.sure, { percent: percent(probability) });
      return el("li", {}, el("img", { src: `/api/sorted/${job}/pictures/${number}`, alt: `${of_picture}, ${sure}`, title: `${of_picture} · ${sure}`, loading: "lazy" }));
    });
    return el("section", {}, el("h3", {}, fill(texts.class_count, { name, count: count.toLocaleString("en") })), el("ul", { class: "pictures small" }, ...tiles));
  });
  const table = el("a", { class: "button", href: `/api/sorted/${job}/labels.csv`, download: "labels.csv" }, texts.table);
  byId("sorted").replaceChildren(...sections, table);
}
