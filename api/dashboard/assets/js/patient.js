// One patient: what is open, the course on one time axis, what was said, prescribed and done. Nothing here is computed beyond counting.
import { h, find, nameOf, latinOf, plainName } from "./dom.js";
import { account } from "./api.js";
import { back, badge, callLink, message, mine, quote, skeleton, untilItArrives } from "./parts.js";
import { flagCard } from "./flag-card.js";
import { live } from "./live.js";
import { course } from "./charts/course.js";
import { moodMark, phqMark } from "./glance.js";
import { gather, courseOf } from "./records.js";
import * as cards from "./patient-cards.js";
import { number, plural, SEVERITY, weekday, when } from "./words.js";
import { pill } from "./shell.js";

const YEAR = 365;
const place = find("#patient");
const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1));

/** The caseload's two marks again. */
const glance = (row) => row && h("div", { class: "glance" }, h("div", {}, ...moodMark(row, "Mood")), h("div", {}, ...phqMark(row, "PHQ-9")));

const banner = ({ profile, standing, flags, intentions }, drawn) => {
  const open = flags.items.filter(({ state }) => state !== "resolved").map(({ severity }) => severity);
  const worst = Object.keys(SEVERITY).find((severity) => open.includes(severity));
  const about = [
    profile.pronouns, drawn.sessions.length ? `${plural(drawn.sessions.length, "dosing session")}, last ${weekday(drawn.sessions.at(-1).day)}` : "no dosing session yet",
    standing && (standing.last_check_in_at ? `last check-in ${when(standing.last_check_in_at)}` : "no check-in yet"),
  ];
  const intention = intentions.items[0];
  const urgent = worst === "emergency" || worst === "urgent";
  return h("header", { class: "banner" },
    h("div", { class: "banner-who" },
      h("h1", { tabindex: -1, id: "headline" }, nameOf(profile), latinOf(profile)),
      h("p", { class: "sub" }, worst && badge(worst), about.filter(Boolean).join(" · ")),
      intention && h("p", { class: "intention" }, h("span", { class: "quiet-text" }, "Intention "), quote(intention.text, profile.language))),
    h("div", { class: "banner-side" },
      profile.phone && h("p", { class: "acts" }, callLink(profile.phone, { class: urgent ? "button primary" : "button", "data-act": "call" }, `Call ${profile.phone}`)),
      glance(standing)));
};

const flagSection = ({ flags, profile }) => {
  if (flags.problem) return h("section", { class: "flag-group", id: "flags" }, message("The flags did not arrive", "This says nothing about this person. Load the page again in a moment; for urgent matters use the clinic’s phone list."));
  const open = flags.items.filter(({ state }) => state !== "resolved");
  const past = flags.items.filter(({ state }) => state === "resolved");
  const grid = (items) => h("div", { class: "flag-grid" }, ...items.map((flag) => flagCard(flag, { phone: profile.phone })));
  return h("section", { class: "flag-group", id: "flags", "aria-labelledby": "flags-title" },
    h("h2", { id: "flags-title", tabindex: -1 }, open.length ? `${number(open.length)} unresolved ${open.length === 1 ? "flag" : "flags"}` : "No unresolved flag"),
    open.length > 0 && grid(open),
    past.length > 0 && h("details", { class: "as-table past-flags" }, h("summary", {}, plural(past.length, "resolved flag")), grid(past)));
};

const draw = (data) => {
  const drawn = courseOf(data);
  const chart = h("div", {});
  place.replaceChildren(...[
    banner(data, drawn), flagSection(data),
    h("section", { class: "card card-course", "aria-labelledby": "course-title" }, h("h2", { id: "course-title" }, "Course"),
      data.course.problem ? h("p", {}, "Check-ins and journal did not arrive, so that the course can’t be drawn. Load the page again in a moment.") : chart),
    h("div", { class: "cards" }, cards.scores(data, drawn), cards.journal(data, drawn), cards.homeDoses(data, drawn), cards.intentions(data), cards.sessions(data), cards.reminders(data, drawn), cards.team(data, drawn)),
  ].flat().filter(Boolean));
  if (!data.course.problem) course(chart, drawn, { all: data.older ? () => load(100 * YEAR, { range: Infinity }) : null, days: data.range });
  document.title = `${plainName(data.profile)} · Afterglow`;
  place.removeAttribute("aria-busy");
  if (location.hash === "#flags") find("#flags-title")?.focus();
};

async function load(days = YEAR, { range } = {}) {
  const data = await gather(id, days);
  if (data.flags.problem?.status === 403 && data.course.problem?.status === 403) throw data.flags.problem;
  draw({ ...data, range });
}

const nobody = () => place.replaceChildren(h("h1", { class: "vh" }, "Nobody here"), message("Nobody here", "There is no such patient, or they are not in your care. Both look the same on purpose.", back()));
const forbidden = () => place.replaceChildren(h("h1", { class: "vh" }, "Not shown"), message("This page is not yours to see", "What patients record is for the therapists and prescribers of their care team. An admin can add you to one; being an admin is not enough.", back()));
const failed = (problem, again) => {
  place.removeAttribute("aria-busy");
  if (problem.status === 404) return nobody();
  if (problem.status === 403) return forbidden();
  place.replaceChildren(h("h1", { class: "vh" }, "Nothing arrived"), message("No answer from the server", "This says nothing about this person. For urgent matters use the clinic’s phone list. Trying again every 20 seconds.", h("button", { class: "button primary", type: "button", onclick: again }, "Try now")));
};

const show = () => untilItArrives(() => load(), failed);
place.replaceChildren(skeleton(6));
await show();

const ask = () => show().then(() => find("#headline")?.focus());
live((kind, data) => {
  if (kind === "again") return pill("The connection was away for a while. There may be news.", ask);
  if (kind === "flag" && mine.delete(data.id)) return;
  if (data.patient_id === id) return pill(kind === "flag" ? "A flag of this person changed." : "Something new was recorded.", ask);
  if (kind === "flag" && account.get()) pill("A flag of somebody else changed.", () => { location.href = "/flags"; }, "Open flags");
});
