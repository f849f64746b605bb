// Jobs that a page starts and waits for.
import { get } from "/static/api.js";
import { follow } from "/static/stream.js";

/**
 * Wait for a job's end.
 * @param {string} id of the job.
 * @param {(message: object) => boolean | void} onmessage called with each of its events; false gives up waiting.
 * @returns {Promise<object>} the job, null where that was given up; refused with the job's own words where it did not
 *   succeed.
 */
export function finished(id, onmessage) {
  return new Promise((resolve, reject) => {
    const heard = (message) => {
      if (onmessage(message) !== false) return;
      close();
      resolve(null);
    };
    const ended = async () => {
      try {
        const job = await get(`/api/jobs/${id}`);
        if (job.state === "done") resolve(job);
        else reject(new Error(job.message));
      } catch (error) {
        reject(error);
      }
    };
    const close = follow(`/api/jobs/${id}/events`, heard, ended);
  });
}
