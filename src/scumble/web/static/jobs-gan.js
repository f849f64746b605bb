// Jobs that a page starts and waits for.
import { get } from "/static/api.js";
import { follow } from "/static/stream.js";

/**
 * Wait for a job's end.
 * @param {string} id of the job.
 * @param {(message: object) => void} onmessage called with each of its events.
 * @returns {Promise<object>} the job; refused with the job's own words where it did not succeed.
 */
export function finished(id, onmessage) {
  return new Promise((resolve, reject) => {
    const close = follow(`/api/jobs/${id}/events`, onmessage, async () => {
      close();
      try {
        const job = await get(`/api/jobs/${id}`);
        if (job.state === "done") resolve(job);
        else reject(new Error(job.message));
      } catch (error) {
        reject(error);
      }
    });
  });
}
