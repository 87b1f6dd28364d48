// The cards of a patient's page below the chart: what was scored, written, prescribed, logged and reminded.
import { h } from "./dom.js";
import { quote } from "./parts.js";
import { strip } from "./charts/spark.js";
import { keptDays, dayOfRecord } from "./records.js";
import { BAND, plain, plainWords, plural, shortDay, signed, weekday, whenTheirs, zoneWords } from "./words.js";

const card = (title, id, ...body) => h("section", { class: `card card-${id}`, "aria-labelledby": `card-${id}` }, h("h2", { id: `card-${id}` }, title), ...body);
const facts = (rows) => h("dl", { class: "facts" }, ...rows.filter(Boolean).flatMap(([term, ...text]) => [h("dt", {}, term), h("dd", {}, ...text)]));
const list = (items, kind = "plain-list") => h("ul", { class: kind }, ...items.filter(Boolean).map((item) => h("li", {}, item)));
const table = (label, heads, rows, kind) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, h("table", { class: kind },
  h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
  h("tbody", {}, ...rows.map(([head, ...cells]) => h("tr", {}, h("th", { scope: "row" }, head), ...cells.map((cell) => h("td", {}, cell)))))));
const more = (summary, ...body) => h("details", { class: "as-table" }, h("summary", {}, summary), ...body);

/** Where a part did not arrive or may not be read, its card says so and the others stay. */
const missing = (problem, what, who) => h("p", { class: "quiet-text" }, problem.status === 403 ? `${what} are not yours to see. ${who} can show you.` : `${what} did not arrive. This says nothing about them; load the page again in a moment.`);

/** The newest total of a questionnaire in words; `term` is how old it is, `from` and `best` are what it is held against. */
const scoreFacts = (name, scores, term, from, best) => {
  if (!scores.length) return [[name, "not measured"]];
  const last = scores.at(-1);
  const say = ({ total, at }) => `${plain(total)}, ${weekday(at)}`;
  return [
    [`${name} ${term}`, h("b", {}, String(last.total)), ` ${BAND[last.band] ?? plainWords(last.band)}, ${weekday(last.day)}`],
    from && scores.length > 1 && [from.name, say(from), `, ${signed(last.total - from.total)} since`],
    best && scores.length > 2 && ["Lowest since", say(best)],
  ];
};
/** Baseline and best of the PHQ-9 are the server's, the same as in the caseload. */
const held = ({ baseline, baseline_at: baselineAt, late_baseline: late, best, best_at: bestAt }) => [
  baseline !== null && { name: late ? "Late baseline" : "Baseline", total: baseline, at: baselineAt }, best !== null && { total: best, at: bestAt },
];
const firstOf = ([first]) => first && { name: "First", total: first.total, at: first.day };

export const scores = ({ assessments, standing }, { phq9, gad7 }) => {
  if (assessments.problem) return card("Questionnaires", "scores", missing(assessments.problem, "Questionnaires", "A therapist of the care team"));
  const last = phq9.at(-1);
  const { item_9: item9 = null, stale_days: stale = null } = standing?.phq9 ?? {};
  // What "now" is, is the server's to say; where it does not, the day says it.
  const term = standing && standing.phq9.current && stale === null ? "now" : "last";
  const partial = assessments.items.filter(({ score }) => score?.status !== "complete").length;
  return card("Questionnaires", "scores",
    facts([...scoreFacts("PHQ-9", phq9, term, ...(standing ? held(standing.phq9) : [])), ...scoreFacts("GAD-7", gad7, "last", firstOf(gad7))]),
    h("h3", {}, "Read with care"),
    list([
      stale !== null && `${standing.phq9.current ? "The" : "No current score: the"} last PHQ-9 is ${stale} days old.`,
      item9 && `Question 9, thoughts of death or of hurting oneself: ${item9.answer} of 3 on ${shortDay(item9.occurred_at.slice(0, 10))}. 0 does not mean no risk.`,
      standing?.phq9.late_baseline && "The baseline was taken after the first dosing session: what that session did may be in it already, so that the change since may look smaller or larger than it is.",
      phq9.length === 1 && "One score is a starting point, not yet a course.",
      partial > 0 && `${plural(partial, "form was", "forms were")} left incomplete and not drawn.`,
      !last && "Nothing can be said about change before a first complete form.",
      "A score describes two weeks in the patient’s own judgement; it is not a diagnosis.",
    ]));
};

const SETTING = { clinic: "clinic", home: "home", "therapist-office": "therapist’s office", telehealth: "by video" };
const sessionWords = (session) => [
  plainWords(session.kind), session.state !== "completed" && plainWords(session.state), SETTING[session.setting],
  session.route, session.dose_mg !== undefined && session.dose_mg !== null && `${plain(session.dose_mg)} mg`, session.dose_level,
].filter(Boolean).join(", ");

export const sessions = ({ sessions: part }) => {
  if (part.problem) return card("Sessions", "sessions", missing(part.problem, "Sessions", "A therapist of the care team"));
  const ordered = part.items.toSorted((a, b) => Date.parse(b.occurred_at) - Date.parse(a.occurred_at));
  const planned = ordered.filter(({ state }) => state === "planned").toReversed();
  const past = ordered.filter(({ state }) => state !== "planned");
  const at = (session) => whenTheirs(session.occurred_at, session.time_zone);
  const line = (session) => [h("b", {}, at(session)), ` ${sessionWords(session)}`, session.notes && h("span", { class: "session-note" }, session.notes)];
  if (!ordered.length) return card("Sessions", "sessions", h("p", {}, "No session planned or held yet."));
  return card("Sessions", "sessions",
    h("p", { class: "statement" }, planned.length ? `Next: ${plainWords(planned[0].kind)}, ${at(planned[0])}` : "No session is planned"),
    list([...planned.slice(1), ...past.slice(0, 3)].map(line)),
    past.length > 3 && more(`All ${part.items.length} sessions`, table("All sessions", ["Day", "What"], ordered.map((session) => [weekday(dayOfRecord(session)), sessionWords(session)]))));
};

/** The words of an entry, the quoted sentence of an open flag marked where it stands. */
const marked = (body, quotes) => {
  const found = quotes.find((text) => body.includes(text));
  if (!found) return [body];
  const at = body.indexOf(found);
  return [body.slice(0, at), h("mark", {}, found), body.slice(at + found.length)];
};
const entry = (record, lang, quotes) => h("article", { class: "entry-text" },
  h("h3", {}, whenTheirs(record.occurred_at, record.time_zone), record.title && [": ", h("bdi", { dir: "auto", class: "voice" }, record.title)]),
  ...record.body.split(/\n{2,}/).map((text) => h("p", { class: "voice", dir: "auto", lang }, ...marked(text, quotes))),
  (record.prompts ?? []).map(({ prompt, answer }) => h("p", {}, h("span", { class: "quiet-text prompt" }, prompt), h("span", { class: "voice", dir: "auto", lang }, answer))),
  [["Feelings", record.feelings], ["Themes", record.themes], ["In the body", record.body_areas]].filter(([, words]) => words?.length)
    .map(([name, words]) => h("p", { class: "quiet-text" }, `${name}: `, h("bdi", { dir: "auto" }, words.join(", ")))));

export const journal = ({ course: part, flags, profile }, { entries }) => {
  if (part.problem) return card("Shared journal", "journal", missing(part.problem, "Journal entries", "A therapist of the care team"));
  const newest = entries.toReversed();
  const quotes = flags.items.filter(({ state }) => state !== "resolved").flatMap(({ evidence }) => (evidence ?? []).map((item) => item.quote).filter(Boolean));
  const show = (record) => entry(record, profile.language, quotes);
  return card("Shared journal", "journal",
    ...(newest.length ? newest.slice(0, 3).map(show) : [h("p", {}, "Nothing shared yet. Private entries don’t appear here, and are not counted.")]),
    newest.length > 3 && more(`${plural(newest.length - 3, "earlier entry", "earlier entries")}`, h("div", { class: "entries scroll", tabindex: 0, role: "region", "aria-label": "Earlier journal entries" }, ...newest.slice(3).map(show))),
    h("p", { class: "quiet-text" }, "The journal is not read live, and not screened for words. Nothing marked does not mean nothing there."));
};

export const intentions = ({ intentions: part, profile }) => {
  if (part.problem) return card("Intentions", "intentions", missing(part.problem, "Intentions", "A therapist of the care team"));
  return card("Intentions", "intentions", part.items.length
    ? list(part.items.slice(0, 5).map((item) => [quote(item.text, profile.language), h("span", { class: "quiet-text" }, ` ${weekday(dayOfRecord(item))}${item.session_id ? ", for one session" : ""}`)]), "voices")
    : h("p", {}, "None shared yet."));
};

const HOUR = 3_600_000;
const activeOn = (prescriptions, day) => prescriptions.filter(({ starts_on: from, ends_on: to }) => from <= day && (!to || day <= to)).sort((a, b) => b.starts_on.localeCompare(a.starts_on))[0];
/** The fewest hours from the dose or dosing session before to any of these doses, none between two at one instant, and the
 *  most doses in any 168 hours. */
const spacing = (of, doses, sessions) => {
  const at = (record) => Date.parse(record.occurred_at);
  const times = doses.map(at);
  const given = [...sessions, ...doses].sort((a, b) => at(a) - at(b));
  const gaps = given.flatMap((dose, index) => (index > 0 && of.includes(dose) ? [at(dose) - at(given[index - 1])] : []));
  const most = of.map((dose) => times.filter((time) => time <= at(dose) && time > at(dose) - 168 * HOUR).length);
  return { least: gaps.length ? Math.floor(Math.min(...gaps) / HOUR * 10) / 10 : null, most: Math.max(0, ...most) };
};
const pressure = (value) => (value ? `${value.systolic}/${value.diastolic}` : "–");
const present = (value) => (value === undefined || value === null ? "not said" : value ? "yes" : "nobody");

/** At how many doses somebody was there; silence about it is said, not counted. */
const somebody = (doses) => {
  const there = doses.filter((dose) => dose.sitter_present === true).length;
  const unsaid = doses.filter((dose) => dose.sitter_present === undefined || dose.sitter_present === null).length;
  return `at ${there} of ${doses.length}${unsaid ? `, not said at ${unsaid}` : ""}`;
};

export const homeDoses = ({ prescriptions, doses: part }, { doses, sessions: dosing, today }) => {
  const refused = prescriptions.problem ?? part.problem;
  if (refused) return card("Home doses against the prescription", "doses", missing(refused, "Home doses and prescriptions", "A prescriber"));
  const limits = activeOn(prescriptions.items, today);
  if (!limits && !doses.length) return card("Home doses", "doses", h("p", {}, prescriptions.items.length ? "No prescription for home is active, and no dose was logged." : "Nothing is prescribed for home, and no dose was logged."));
  // Whatever was taken while it holds counts against its limits, named in the log or not.
  const since = limits ? doses.filter(({ day }) => day >= limits.starts_on) : [];
  const own = since.filter((dose) => dose.prescription_id === limits.id).length;
  // The dose of a session at home or by video is the one that the patient logged that day, where there is one.
  const logged = (session) => ["home", "telehealth"].includes(session.setting) && doses.some(({ day }) => day === dayOfRecord(session));
  const { least, most } = spacing(since, doses, dosing.filter((session) => !logged(session)));
  const alone = since.filter((dose) => dose.sitter_present === false).at(-1);
  return card("Home doses against the prescription", "doses",
    limits ? table("Limits and what was logged", ["Limit", "Prescribed", `Logged since ${shortDay(limits.starts_on)}`], [
      ["mg per dose", `at most ${plain(limits.max_mg_per_dose)}`, since.length ? `at most ${plain(Math.max(...since.map((dose) => dose.amount_mg)))}` : "none yet"],
      ["Hours between", `at least ${plain(limits.min_hours_between)}`, least === null ? "–" : `at least ${plain(least)}`],
      ["Doses in 7 days", `at most ${limits.max_doses_per_week}`, since.length ? `at most ${most}` : "none yet"],
      ["Somebody present", limits.sitter_required ? "always" : "not asked", alone ? `not on ${weekday(alone.day)}` : since.length ? somebody(since) : "–"],
      ["Supply", plural(limits.supply_doses, "dose"), `${own} used`],
    ], "limits") : h("p", { class: "statement" }, "No prescription is active today"),
    limits && h("p", { class: "quiet-text" }, `${plainWords(limits.route)}, ${limits.form}, ${plain(limits.mg_per_dose)} mg a dose, from ${shortDay(limits.starts_on)}${limits.ends_on ? ` to ${shortDay(limits.ends_on)}` : ""}.`),
    since.length > own && h("p", { class: "quiet-text" }, `${plural(since.length - own, "dose")} of these ${since.length - own === 1 ? "does" : "do"} not name this prescription.`),
    doses.length > 0 && more(`All ${plural(doses.length, "dose")}`, table("All home doses", ["When", "mg", "Before", "After", "Dissociation", "Present", "Effects"], doses.toReversed().map((dose) => [
      whenTheirs(dose.occurred_at, dose.time_zone), plain(dose.amount_mg), pressure(dose.blood_pressure_before), pressure(dose.blood_pressure_after),
      dose.dissociation === undefined || dose.dissociation === null ? "–" : `${dose.dissociation} of 10`, present(dose.sitter_present), (dose.adverse_effects ?? []).map(plainWords).join(", ") || "–"]))));
};

const KIND = { "check-in": "Check-in", journal: "Journal", assessment: "Questionnaire", preparation: "Preparation", integration: "Integration", booster: "Booster", "home-dose": "Home dose", appointment: "Appointment", custom: "Own" };
const STATE = { scheduled: "to come", sending: "on its way", sent: "sent", unknown: "sent, no answer from the mail server", missed: "not sent: its time had passed", skipped: "not needed", cancelled: "cancelled", failed: "not delivered" };
const rule = ({ schedule, active }) => {
  if (!active) return "switched off";
  if (schedule.type === "relative") return `${/^-/.test(schedule.offset) ? "before" : "after"} a ${plainWords(schedule.to)}`;
  return `at ${schedule.times.join(", ")}${schedule.time_zone ? `, ${zoneWords(schedule.time_zone)}` : ""}`;
};

export const reminders = ({ reminders: part, notifications }, { moods, today }) => {
  const refused = part.problem ?? notifications.problem;
  if (refused) return card("Reminders, 28 days", "reminders", missing(refused, "Reminders", "A therapist of the care team"));
  if (!part.items.length) return card("Reminders, 28 days", "reminders", h("p", {}, "No reminder is set."));
  const done = new Set(moods.map(dayOfRecord));
  const daily = part.items.filter(({ kind, schedule }) => kind === "check-in" && schedule.type === "recurring");
  const strips = daily.map((reminder) => ({ reminder, days: keptDays(reminder, notifications.items, done, today) }));
  const count = (state) => strips.reduce((sum, { days }) => sum + days.filter((day) => day === state).length, 0);
  const latest = notifications.items.filter(({ state, reminder_id: reminder }) => state !== "scheduled" && reminder).slice(0, 4);
  const kinds = new Map(part.items.map((item) => [item.id, KIND[item.kind] ?? plainWords(item.kind)]));
  const counted = count("kept") + count("missed") > 0;
  return card("Reminders, 28 days", "reminders",
    counted && h("p", { class: "statement" }, `${count("kept")} kept, ${count("missed")} missed`),
    counted && h("div", { class: "strips" }, ...strips.flatMap(({ days }) => [h("span", {}, "Check-in"), strip(days, `Check-in: ${days.filter((day) => day === "kept").length} kept, ${days.filter((day) => day === "missed").length} missed`)])),
    counted && h("p", { class: "key" }, "Square: kept. Ring: missed. Speck: not due."),
    facts(part.items.map((item) => [KIND[item.kind] ?? plainWords(item.kind), rule(item)])),
    latest.length > 0 && h("h3", {}, "Latest"),
    latest.length > 0 && list(latest.map((item) => `${kinds.get(item.reminder_id) ?? KIND[item.kind] ?? plainWords(item.kind)}, ${whenTheirs(item.due_at, item.time_zone)}: ${STATE[item.state] ?? plainWords(item.state)}`)));
};

export const team = ({ team: part }, { today }) => {
  const members = part.items.filter(({ display_name: name, from_on: from, until_on: until }) => name && from <= today && (!until || today <= until));
  if (part.problem || !members.length) return null;
  return card("Care team", "team", facts(members.map((member) => [member.primary ? "Primary" : "Also", h("bdi", { dir: "auto" }, member.display_name), h("span", { class: "quiet-text" }, ` since ${weekday(member.from_on)}`)])));
};
