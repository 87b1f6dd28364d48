// From the records of /v1 to what the patient's page draws. Days are the patient's own: the date that each record was written under.
import { get, list, now, whole } from "./api.js";
import { addDays, dayIndex } from "./charts/scale.js";
import { scaleOf } from "./instruments.js";

const ACROSS = 2 * 366 * 86_400_000;
export const dayOfRecord = (record) => record.occurred_at.slice(0, 10);
const byTime = (a, b) => Date.parse(a.occurred_at) - Date.parse(b.occurred_at);

/** Today where the patient lives. */
export const todayIn = (zone) => {
  try {
    return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now());
  } catch {
    return now().toISOString().slice(0, 10);
  }
};

/** A part of the page that did not arrive says so by itself; the others stay. */
const part = (asked) => asked.then((items) => ({ items }), (problem) => {
  if (problem.status === undefined) throw problem;
  return { items: [], problem };
});

const timeline = async (path, from, to) =>
  (await list(`${path}/timeline?kinds=mood-scores,journal-entries&from=${encodeURIComponent(from)}${to ? `&to=${encodeURIComponent(to)}` : ""}`, 10_000)).filter(({ record }) => record);

/** Everything that the page shows. `days` of check-ins and journal; the rarer records in full. */
export const gather = async (id, days) => {
  const path = `patients/${encodeURIComponent(id)}`;
  const profile = await get(path);
  const from = new Date(now() - days * 86_400_000).toISOString();
  const ahead = encodeURIComponent(new Date(now().getTime() + ACROSS).toISOString());
  const [standing, flags, course, older, assessments, sessions, doses, prescriptions, intentions, reminders, notifications, team] = await Promise.all([
    part(get(`${path}/standing`).then((row) => [row])),
    part(list(`${path}/flags`)),
    part(timeline(path, from)),
    part(get(`${path}/timeline?kinds=mood-scores,journal-entries&limit=1&to=${encodeURIComponent(from)}`).then(({ items }) => items)),
    part(list(`${path}/assessments`)),
    part(list(`${path}/sessions?to=${ahead}`)),
    part(list(`${path}/home-doses`)),
    part(list(`${path}/prescriptions?to=${ahead}`)),
    part(list(`${path}/intentions`)),
    part(whole(`${path}/reminders`)),
    part(list(`${path}/notifications`, 200)),
    part(whole(`${path}/care-team`)),
    scaleOf("phq-9"), scaleOf("gad-7"), // known before anything is drawn
  ]);
  return { id, days, profile, standing: standing.items[0], flags, course, older: older.items.length > 0, assessments, sessions, doses, prescriptions, intentions, reminders, notifications, team };
};

const scoresOf = (assessments, instrument) => assessments
  .filter((form) => form.instrument === instrument && form.score?.status === "complete" && form.score.total !== null)
  .map((form) => ({ day: dayOfRecord(form), occurred_at: form.occurred_at, total: form.score.total, band: form.score.band }))
  .sort(byTime);

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** One value per day: the mean of that day's, null where there is none. */
const daily = (records, name, start, length) => {
  const days = Array.from({ length }, () => []);
  for (const record of records) {
    const value = record[name];
    if (value !== undefined && value !== null) days[dayIndex(start, dayOfRecord(record))]?.push(value);
  }
  return days.map((values) => (values.length ? Math.round(mean(values) * 10) / 10 : null));
};

/** What the chart draws. */
export const courseOf = ({ profile, standing, course, assessments, sessions, doses, flags, days, older }) => {
  const of = (kind) => course.items.filter(({ resource }) => resource === kind).map(({ record }) => record).sort(byTime);
  const [moods, entries] = [of("mood-scores"), of("journal-entries")];
  const today = todayIn(profile.time_zone);
  const [phq9, gad7] = [scoresOf(assessments.items, "phq-9"), scoresOf(assessments.items, "gad-7")];
  const dosing = sessions.items.filter(({ kind, state }) => kind === "dosing" && state === "completed").sort(byTime)
    .map((session, index) => ({ ...session, n: index + 1, day: dayOfRecord(session) }));
  const dosesByTime = doses.items.toSorted(byTime).map((dose) => ({ ...dose, day: dayOfRecord(dose) }));
  const first = [...moods, ...entries].map(dayOfRecord).concat(dosing.map(({ day }) => day), phq9.map(({ day }) => day), dosesByTime.map(({ day }) => day)).reduce((least, day) => (day < least ? day : least), today);
  const [earliest, latest] = [addDays(today, -days), addDays(today, -13)]; // what was loaded; a fortnight at least, so that there is an axis
  const begin = older && first < earliest ? earliest : first;
  const start = begin < latest ? begin : latest;
  const length = dayIndex(start, today) + 1;
  return {
    today, start, older, silent: (standing?.silent_days ?? null) !== null, phq9, gad7, moods, entries,
    mood: daily(moods, "mood", start, length), sleep: daily(moods, "sleep_hours", start, length),
    sessions: dosing, doses: dosesByTime, journal: entries.map((entry) => ({ ...entry, day: dayOfRecord(entry) })),
    flags: flags.items,
  };
};

/** The last 28 days of one daily kind of reminder: kept, missed or not due. A day is kept when what was asked for was done that day, reminded or not. */
export const keptDays = (reminder, notifications, done, today) => Array.from({ length: 28 }, (_, index) => {
  const day = addDays(today, index - 27);
  const due = notifications.some((item) => item.reminder_id === reminder.id && item.local_date === day && !["cancelled", "scheduled"].includes(item.state));
  if (!due) return "not-due";
  if (done.has(day)) return "kept";
  return day === today ? "not-due" : "missed";
});
