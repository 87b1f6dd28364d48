// The parts that more than one page shows: the severity badge, the clock, the acknowledging button, empty and loading states.
import { h, s, hidden } from "./dom.js";
import { post } from "./api.js";
import { SEVERITY, clock, when } from "./words.js";

const SHAPES = {
  emergency: () => [s("path", { d: "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2Z", class: "shape-fill" }), s("path", { d: "M8 4.4v4.4M8 11.4v.2", class: "shape-cut" })],
  urgent: () => [s("path", { d: "M8 1.4 15.4 14.4H.6Z", class: "shape-fill" }), s("path", { d: "M8 6.2v3.6M8 12v.2", class: "shape-cut" })],
  watch: () => [s("path", { d: "M8 1.2 14.8 8 8 14.8 1.2 8Z", class: "shape-line" }), s("path", { d: "M8 1.2 1.2 8 8 14.8Z", class: "shape-fill" })],
  info: () => [s("circle", { cx: 8, cy: 8, r: 6.2, class: "shape-line" })],
};

export const shape = (severity, props = {}) =>
  s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", class: `shape sev-${severity}`, ...props }, ...SHAPES[severity]());

/** Shape, word and fill weight together: the badge reads the same in grey, on paper and to every eye. */
export const badge = (severity) => h("span", { class: `badge sev-${severity}` }, shape(severity), SEVERITY[severity].word);

/** The unanswered clock. Who is next in line is to be called: by mail only the first is told and, where their mail is refused for good, the next on the care team. */
export const deadline = (iso, next) => {
  const line = h("span", { class: "deadline", "data-clock": iso, title: "Afterglow tells the first in line only, and, where their mail is refused for good, the next on the care team." });
  const call = next && (next === "you" ? "you are next in line" : `call ${next}`);
  const show = () => {
    const { over, text } = clock(iso);
    line.classList.toggle("over", over);
    line.replaceChildren(h("b", {}, text), `${over ? "" : " to acknowledge"}${call ? `; ${over ? "" : "then "}${call}` : ""}`);
  };
  show();
  line.addEventListener("tick", show);
  return line;
};
/** Clocks go on while the page is open; nothing else on it moves. */
setInterval(() => { for (const line of document.querySelectorAll("[data-clock]")) line.dispatchEvent(new Event("tick")); }, 20_000);

/** Why an act did not happen, and what can be done. */
export const notSaved = (problem) => {
  if (problem.status === 0) return "Not saved: no connection. Try again when the line above says Live.";
  if (problem.status === 403) return "Not saved: this is not yours to do. A therapist or prescriber of the care team can.";
  if (problem.status === 404) return "Not saved: this person is no longer in your care.";
  if (problem.status === 409) return "Not saved: somebody was faster. Load the page again to see how it stands now.";
  if (problem.status === 429) return `Not saved yet: wait ${problem.retryAfter || 10} seconds, then try again.`;
  return "Not saved: the server did not take it. Try again.";
};

/** Flags that this page changed itself: their echo by event is no news. */
export const mine = new Set();

/** A clinical act is shown as done only after the server has said so. `onChange(flag)` gets the server's answer. */
export const acknowledge = (flag, onChange) => {
  const slot = h("span", { class: "act", "aria-live": "polite" });
  const offer = () => h("button", { class: "button", type: "button", "data-act": "acknowledge", onclick: send }, "Acknowledge", hidden(` ${flag.title}`));
  const send = async (event) => {
    const button = event.currentTarget;
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    button.replaceChildren("Acknowledging…");
    try {
      mine.add(flag.id);
      onChange(await post(`flags/${flag.id}/acknowledge`));
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      mine.delete(flag.id);
      slot.replaceChildren(offer(), h("span", { class: "problem" }, notSaved(problem)));
      slot.firstChild.focus();
    }
  };
  slot.append(offer());
  return slot;
};

/** "Acknowledged by you, 09:42": only ever made from the server's answer. */
export const doneLine = (verb, by, at) => h("span", { class: "done" }, `${verb}${by ? ` by ${by}` : ""}${at ? `, ${when(at)}` : ""}`);

/** The patient's own words, in the patient's own direction. */
export const quote = (text, lang) => h("q", { class: "voice", dir: "auto", lang }, text);

/** A telephone link from a number as people write it. */
export const callLink = (phone, props, ...words) => h("a", { href: `tel:${phone.replaceAll(/[^\d+]/g, "")}`, ...props }, ...words);

/** The states that every list and card can be in besides being full. */
export const message = (title, text, ...acts) =>
  h("div", { class: "message" }, h("h2", {}, title), h("p", {}, text), acts.length > 0 && h("p", { class: "acts" }, ...acts));
export const skeleton = (rows) =>
  h("div", { class: "skeleton", "aria-hidden": "true" }, ...Array.from({ length: rows }, () => h("span", {})));
export const back = () => h("a", { class: "button", href: "/" }, "Back to the caseload");

/** Runs `task` until it succeeds: at once, then every 20 seconds while nothing arrives. `failed(problem, again)` draws the state between. */
export const untilItArrives = (task, failed) => {
  let timer = null;
  const attempt = async () => {
    clearTimeout(timer);
    try { await task(); } catch (problem) {
      const passing = problem.status === 0 || problem.status >= 500 || problem.status === 429;
      if (!(problem.status >= 0)) throw problem;
      failed(problem, attempt);
      if (passing) timer = setTimeout(attempt, 20_000);
    }
  };
  return attempt();
};
