// What is asked while settings are changed: a preview, and what the work will take. Answers that came too late are
// dropped: here, and by the server, which is told who asks.
import words from "/words.js";
import { Refused, picture, post, unique } from "/static/api.js";
import { bytes, debounced, duration, fill } from "/static/dom.js";

const PREVIEW_WAIT = 120, PLAN_WAIT = 350; // milliseconds after the last change
const WORDLESS = 250; // an answer that is quicker needs no word
const client = unique();

/** A function that asks once changes have ceased, and lets go of an answer that nobody waits for any more. */
function newest(wait, ask) {
  let running;
  const begin = debounced(async () => {
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

/**
 * A function that shows in a line what a job will take.
 * @param {HTMLElement} line for it.
 * @param {() => object|null} asked what the job would be, as it would be posted; null where there is none yet.
 * @param {(error: Error|null) => boolean} wrong shows what is wrong with a setting; tells whether that could be shown.
 */
export function planner(line, asked, wrong) {
  return newest(PLAN_WAIT, async (signal) => {
    const job = asked();
    if (!job) return;
    try {
      const answer = await post("/api/plan", { client, ...job }, { signal });
      wrong(null);
      const time = answer.seconds === null ? words.job.some_time : duration(answer.seconds);
      line.textContent = fill(words.paint.plan, { ...answer, time, memory: bytes(answer.memory_bytes) });
    } catch (error) {
      if (error.name === "AbortError" || is_superseded(error)) return;
      line.textContent = wrong(error) ? "" : error.message;
    }
  });
}

/**
 * A function that shows a preview in a viewer.
 * @param {import("./viewer.js").Viewer} viewer for it.
 * @param {HTMLElement} busy where to say that it is on its way, or why there is none.
 * @param {() => object|null} asked for what; null for no preview.
 * @param {(error: Error) => boolean} wrong as above.
 */
export function previewer(viewer, busy, asked, wrong) {
  let shown; // the address of the last one, which is let go of with the next
  return newest(PREVIEW_WAIT, async (signal) => {
    const wanted = asked();
    busy.hidden = true;
    if (!wanted) return;
    const waiting = setTimeout(() => say(words.paint.previewing), WORDLESS);
    const say = (text, failed = false) => {
      busy.textContent = text;
      busy.classList.toggle("failed", failed);
      busy.hidden = signal.aborted;
    };
    try {
      const address = URL.createObjectURL(await picture("/api/preview", { client, ...wanted }, signal));
      clearTimeout(waiting);
      await viewer.show(address);
      if (shown) URL.revokeObjectURL(shown);
      shown = address;
      busy.hidden ||= !signal.aborted;
    } catch (error) {
      clearTimeout(waiting);
      if (error.name === "AbortError" || is_superseded(error)) return;
      if (wrong(error)) busy.hidden = true; // said beside the setting
      else say(fill(words.paint.no_preview, { error: error.message }), true);
    }
  });
}

const is_superseded = (error) => error instanceof Refused && error.status === 409;
