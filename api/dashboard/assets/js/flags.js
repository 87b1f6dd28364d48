// The flags inbox: acknowledge, resolve with an outcome, reopen. GET /v1/flags.
import { h, find } from "./dom.js";
import { get, list } from "./api.js";
import { flagCard, flagNews, showTold } from "./flag-card.js";
import { live } from "./live.js";
import { back, message, mine, skeleton, untilItArrives } from "./parts.js";
import { SEVERITY, number } from "./words.js";
import { openFlags, pill } from "./shell.js";

const STATES = [
  ["open", "Open", "No flag waits", "New flags wait in a line at the foot of this page until you ask for them."],
  ["acknowledged", "Acknowledged", "No flag waits for an outcome", "Flags that somebody has taken on appear here."],
  ["resolved", "Resolved", "Nothing resolved yet", "Flags that were closed with an outcome appear here."],
];
const RANK = Object.keys(SEVERITY);
const byClock = (a, b) => RANK.indexOf(a.severity) - RANK.indexOf(b.severity) || (a.acknowledge_by ?? "z").localeCompare(b.acknowledge_by ?? "z") || b.opened_at.localeCompare(a.opened_at);
const newest = (a, b) => (b.resolved_at ?? "").localeCompare(a.resolved_at ?? "");

const place = find("#flags");
let people = new Map();
let flags = [];
let chosen = "open";
let past = false; // whether the resolved ones were asked for: there may be many, and they are rarely wanted

const count = () => {
  const clocks = flags.filter((flag) => flag.state === "open" && ["emergency", "urgent"].includes(flag.severity)).length;
  find("#headline").textContent = clocks ? `${number(clocks)} ${clocks === 1 ? "flag has" : "flags have"} a clock running today` : "No clock is running today";
  openFlags(flags.filter((flag) => flag.state !== "resolved").length);
  find("#states").replaceChildren(...STATES.map(([id, text]) => h("button", { type: "button", "data-state": id, "aria-pressed": String(id === chosen), onclick: () => choose(id) },
    text, (id !== "resolved" || past) && h("span", { class: "chip-count" }, ` ${flags.filter((flag) => flag.state === id).length}`))));
};

/** An act changes its card in place and the numbers above; the card moves to its new list only on the next look. */
const changed = (next) => {
  flags = flags.map((flag) => (flag.id === next.id ? next : flag));
  count();
};

function draw() {
  const [, , title, text] = STATES.find(([id]) => id === chosen);
  const shown = flags.filter((flag) => flag.state === chosen).sort(chosen === "resolved" ? newest : byClock);
  count();
  place.replaceChildren(...(shown.length ? RANK.filter((severity) => shown.some((flag) => flag.severity === severity)).map((severity) =>
    h("section", { class: "flag-group", "aria-labelledby": `group-${severity}` },
      h("h2", { id: `group-${severity}` }, `${SEVERITY[severity].word}, ${SEVERITY[severity].promise}`),
      ...shown.filter((flag) => flag.severity === severity).map((flag) => flagCard(flag, { person: people.get(flag.patient_id) ?? { id: flag.patient_id, display_name: "Somebody in your care" }, changed })))) : [message(title, text)]));
}

const load = async () => {
  const [open, acknowledged, known] = await Promise.all([list("flags?state=open"), list("flags?state=acknowledged"), list("patients")]);
  people = new Map(known.map((person) => [person.id, person]));
  flags = [...open, ...acknowledged];
  past = false;
};

const choose = async (state) => {
  chosen = state;
  if (state === "resolved" && !past) {
    count();
    place.replaceChildren(skeleton(4));
    try {
      const resolved = await list("flags?state=resolved", 400);
      const known = new Set(resolved.map(({ id }) => id));
      flags = [...flags.filter(({ id }) => !known.has(id)), ...resolved];
      past = true;
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      return place.replaceChildren(message("The resolved flags did not arrive", "This says nothing about your patients.", h("button", { class: "button", type: "button", onclick: () => choose(state) }, "Try again")));
    }
  }
  draw();
  find(`[data-state=${state}]`).focus();
};

const show = () => untilItArrives(async () => { await load(); draw(); }, (problem, again) => {
  if (problem.status === 403) {
    find("#headline").textContent = "Flags are for the care team";
    return place.replaceChildren(message("This page is not yours to see", "Flags are read by therapists and prescribers of a care team. An admin can add you to one.", back()));
  }
  find("#headline").textContent = "The flags did not arrive";
  place.replaceChildren(message("No answer from the server", "This says nothing about your patients. Use the clinic’s phone list. Trying again every 20 seconds.", h("button", { class: "button primary", type: "button", onclick: again }, "Try now")));
});

place.replaceChildren(skeleton(4));
await show();
const ask = () => { chosen = "open"; return show().then(() => find("#headline").focus()); };
live(async (kind, data) => {
  if (kind === "again") return pill("The connection was away for a while. There may be news.", ask);
  if (kind !== "flag") return;
  if (mine.delete(data.id)) return;
  const { items } = await get(`patients/${data.patient_id}/flags?limit=50`);
  const flag = items.find(({ id }) => id === data.id);
  if (!flag) return;
  const known = flags.find(({ id }) => id === flag.id);
  if (known?.version === flag.version) {
    // Nobody changed it: what became of the messages about it did.
    changed(flag);
    const card = find(`[data-flag="${CSS.escape(flag.id)}"]`);
    return card && showTold(card, flag);
  }
  pill(known ? ["A colleague changed a flag: ", ...flagNews(flag, people.get(flag.patient_id))] : ["New: ", ...flagNews(flag, people.get(flag.patient_id))], ask);
});
