// What every page has: the switch of its colours, and how many jobs are waiting or at work.
import words from "/words.js";
import { byId, fill } from "/static/dom.js";
import { get } from "/static/api.js";

const THEMES = ["auto", "light", "dark"];

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function name_theme() {
  const label = fill(words.base.theme, { theme: words.base.themes[theme()] });
  byId("theme").setAttribute("aria-label", label);
  byId("theme").title = label;
}

byId("theme").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
  }
  name_theme();
});
name_theme();

/** Shows the number of jobs that are waiting or at work; asks for them where they are not given. */
export async function count_jobs(jobs) {
  try {
    jobs ??= await get("/api/jobs");
  } catch {
    return; // the page itself says so where it needs an answer
  }
  const count = jobs.filter((job) => ["queued", "running"].includes(job.state)).length;
  const badge = byId("waiting");
  badge.hidden = count === 0;
  badge.textContent = count;
  badge.title = fill(words.base.waiting, { count });
}

if (!["/jobs"].includes(location.pathname)) {
  count_jobs();
  document.addEventListener("visibilitychange", () => document.hidden || count_jobs());
}
