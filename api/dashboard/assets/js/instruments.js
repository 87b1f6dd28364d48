// The scale of a questionnaire and its bands, as /v1/instruments defines them: no cut-off stands in these pages.
import { ask } from "./api.js";

// Anybody may ask for them: that they arrive does not mean that somebody is signed in.
const asked = new Map();
const arrived = new Map();

/** `{ maximum, bands: [{ from, to, code, title }] }`; null where it did not arrive: the marks are left out then, the numbers stay. */
export const scaleOf = (code) => {
  if (!asked.has(code)) {
    asked.set(code, ask("GET", `instruments/${code}`).then(({ scoring: { maximum, bands } }) => {
      arrived.set(code, { maximum, bands });
      return arrived.get(code);
    }, (problem) => {
      if (problem.status === undefined) throw problem;
      asked.delete(code);
      return null;
    }));
  }
  return asked.get(code);
};

/** The same for who draws and cannot wait: what has arrived by now. */
export const scaleNow = (code) => arrived.get(code) ?? null;
