// One patient: what is open, the course on one time axis, what was said, prescribed and done. Nothing here is computed beyond counting.
import { h, find, nameOf, latinOf, plainName } from "./dom.js";
import { account } from "./api.js";
import { back, badge, callLink, message, mine, quote, skeleton, untilItArrives } from "./parts.js";
import { flagCard } from "./flag-card.js";
import { live } from "./live.js";
import { course } from "./charts/course.js";
import { spark, dumbbell } from "./charts/spark.js";
import { addDays, dayIndex } from "./charts/scale.js";
import { gather, courseOf } from "./records.js";
import * as cards from "./patient-cards.js";
import { number, plain, plural, score, SEVERITY, weekday, whenTheirs } from "./words.js";
import { pill } from "./shell.js";

const YEAR = 365;
const place = find("#patient");
const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1));

const mean = (values) => {
  const known = values.filter((value) => value !== null);
  return known.length < 3 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
};

/** The caseload's two marks again, so that the eye finds here what it saw there. */
const glance = ({ mood, today, start, sessions, phq9 }) => {
  const from = addDays(today, -59);
  const days = [...Array(Math.max(0, dayIndex(from, start))).fill(null), ...mood.slice(-60)];
  const dosing = sessions.filter(({ day }) => day >= from && day <= today).map(({ day }) => dayIndex(from, day));
  const [latest, before] = [mean(mood.slice(-7)), mean(mood.slice(-14, -7))];
  const last = mood.findLastIndex((value) => value !== null);
  const silent = last < 0 ? 0 : mood.length - 1 - last;
  const words = latest === null ? (silent > 3 ? `Silent ${silent} days` : "Too few days yet") : `Mood ${score(latest)}${before === null ? "" : `, was ${score(before)}`}`;
  const [first, current] = [phq9[0], phq9.at(-1)];
  const best = phq9.reduce((least, { total }) => Math.min(least, total), Infinity);
  return h("div", { class: "glance" },
    h("div", {}, spark({ mood: days, dosing, label: `Mood over 60 days. ${words}.` }), h("span", { class: "cell-words strong", "aria-hidden": "true" }, words)),
    h("div", {}, h("span", { class: "phq-now" }, "PHQ-9 ", h("b", {}, current ? plain(current.total) : "–"), phq9.length > 1 && h("span", { class: "quiet-text" }, ` first ${plain(first.total)}`)),
      current && dumbbell({ baseline: first.total, latest: current.total, best, label: `PHQ-9 ${plain(current.total)}, first ${plain(first.total)}` }),
      h("span", { class: "cell-words" }, current ? weekday(current.day) : "Not measured yet")));
};

const banner = ({ profile, flags, intentions }, drawn) => {
  const open = flags.items.filter(({ state }) => state !== "resolved").map(({ severity }) => severity);
  const worst = Object.keys(SEVERITY).find((severity) => open.includes(severity));
  const checkIn = drawn.moods.at(-1);
  const about = [
    profile.pronouns, drawn.sessions.length ? `${plural(drawn.sessions.length, "dosing session")}, last ${weekday(drawn.sessions.at(-1).day)}` : "no dosing session yet",
    checkIn ? `last check-in ${whenTheirs(checkIn.occurred_at, checkIn.time_zone)}` : "no check-in yet",
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
      glance(drawn)));
};

const flagSection = ({ flags, profile }) => {
  if (flags.problem) return h("section", { class: "flag-group", id: "flags" }, message("The flags did not arrive", "This says nothing about this person. Load the page again in a moment; for urgent matters use the clinic’s phone list."));
  const open = flags.items.filter(({ state }) => state !== "resolved");
  const past = flags.items.filter(({ state }) => state === "resolved");
  const grid = (items) => h("div", { class: "flag-grid" }, ...items.map((flag) => flagCard(flag, { phone: profile.phone })));
  return h("section", { class: "flag-group", id: "flags", "aria-labelledby": "flags-title" },
    h("h2", { id: "flags-title", tabindex: -1 }, open.length ? `${number(open.length)} open ${open.length === 1 ? "flag" : "flags"}` : "No open flag"),
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
