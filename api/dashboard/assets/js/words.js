// Every date, clock and code's word of the dashboard. One place, so that one thing has one name.
import { now } from "./api.js";

const DAY = 86_400_000;
const pad = (number) => String(number).padStart(2, "0");

/** The reader's own date of an instant; a bare day stays itself. */
export const dayOf = (iso) => {
  if (iso.length === 10) return iso;
  const at = new Date(iso);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
};
export const today = () => dayOf(now().toISOString());
const noon = (day) => new Date(`${day}T12:00:00Z`);
export const daysAgo = (iso) => Math.round((noon(today()) - noon(dayOf(iso))) / DAY);

const format = (options) => {
  const formatter = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
  return (iso) => formatter.format(noon(dayOf(iso))).replace(",", "").replace("Sept", "Sep");
};
export const shortDay = format({ day: "numeric", month: "short" });
const thisYear = format({ weekday: "short", day: "numeric", month: "short" });
export const fullDay = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
export const longDay = format({ weekday: "long", day: "numeric", month: "long" });
export const month = format({ month: "short" });
export const monthYear = format({ month: "short", year: "2-digit" });
/** An old date carries its year. */
export const weekday = (iso) => (Math.abs(daysAgo(iso)) > 300 ? fullDay(iso) : thisYear(iso));

/** The reader's wall clock. */
export const time = (iso) => {
  const at = new Date(iso);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}`;
};
const named = (day) => {
  const days = daysAgo(day);
  if (days === 0) return "today";
  if (days === 1) return "yesterday";
  return days === -1 ? "tomorrow" : weekday(day);
};

/** An instant in the reader's zone, or a day. */
export const when = (iso) => (iso.length > 10 ? `${named(dayOf(iso))}, ${time(iso)}` : named(iso));

/** A zone as people say it: "Berlin time", "UTC". */
export const zoneWords = (zone) => (zone.includes("/") ? `${zone.split("/").at(-1).replaceAll("_", " ")} time` : zone);

/** When something happened for the patient: their wall clock, with the zone where it differs from the reader's. */
export const whenTheirs = (iso, zone) => {
  const theirs = iso.slice(11, 16);
  const offset = /([+-])(\d\d):(\d\d)$/.exec(iso);
  const minutes = offset ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) : 0;
  const same = minutes === -new Date(iso).getTimezoneOffset();
  return `${named(iso.slice(0, 10))}, ${theirs}${same ? "" : ` (${zone ? zoneWords(zone) : "their time"})`}`;
};

export const ahead = (iso) => {
  const days = -daysAgo(iso);
  if (days < 0) return weekday(iso);
  if (days === 0) return "today";
  return days === 1 ? "tomorrow" : `in ${days} days`;
};

/** How long until a clock runs out: "4 min left", "2 h 23 min left", "12 min over". */
export const clock = (iso) => {
  const minutes = Math.round((new Date(iso) - now()) / 60_000);
  const size = Math.abs(minutes);
  const text = size < 60 ? `${size} min` : size < 1440 ? `${Math.floor(size / 60)} h ${size % 60} min` : `${Math.round(size / 1440)} d`;
  return { over: minutes < 0, text: `${text} ${minutes < 0 ? "over" : "left"}` };
};

export const SEVERITY = {
  emergency: { word: "Emergency", promise: "now" },
  urgent: { word: "Urgent", promise: "today" },
  watch: { word: "Watch", promise: "this week" },
  info: { word: "Info", promise: "for context" },
};
export const STANDING = {
  "not-measured": "not measured", "baseline-only": "baseline only", response: "response", "partial-response": "partial response",
  "non-response": "no response yet", deterioration: "worse than baseline", remission: "remission", "sustained-remission": "sustained remission",
  "possible-relapse": "possible relapse", "confirmed-relapse": "relapse confirmed",
};
export const OUTCOME = {
  contacted: "Talked with the patient", "plan-changed": "Plan changed", referred: "Referred on", "no-action": "Read, nothing to do", "false-alarm": "Not what it looked like",
};
export const BAND = { none: "none", minimal: "minimal", mild: "mild", moderate: "moderate", "moderately-severe": "moderately severe", severe: "severe", positive: "positive", negative: "negative" };
export const RESOURCE = {
  assessments: "Questionnaire", "mood-scores": "Check-in", "journal-entries": "Journal, shared", "home-doses": "Home dose", prescriptions: "Prescription",
  sessions: "Session", "dose-checks": "Dose check", intentions: "Intention", consents: "Consent", "practice-logs": "Practice", "safety-plan": "Safety plan",
};
export const ROLE = { therapist: "therapist", prescriber: "prescriber", admin: "admin" };
/** A code that has no word of its own yet reads as plain words. */
export const plainWords = (code) => String(code ?? "").replaceAll("-", " ");
/** A flag's evidence names the questionnaire, not the form. */
export const instrumentName = (code) => String(code ?? "").toUpperCase();

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const SMALL = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
export const number = (count) => SMALL[count] ?? String(count);
/** Minus as a minus, plus said aloud. */
export const signed = (value) => (value < 0 ? `−${-value}` : value > 0 ? `+${value}` : "0");
export const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(1));
/** A number as people write it: no trailing zeros. */
export const plain = (value) => String(Math.round(value * 100) / 100);
