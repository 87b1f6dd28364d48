// The two marks of a person, drawn from a row of the caseload: on the caseload and on their own page, so that the eye finds there what it saw here.
import { h, hidden } from "./dom.js";
import { spark, dumbbell } from "./charts/spark.js";
import { scaleNow } from "./instruments.js";
import { STANDING, plain, plainWords, plural, score, shortDay } from "./words.js";

/** Mood: the line of 60 days and the mean of the last seven. `name` stands before the number where no column says it. */
export const moodMark = (item, name) => {
  const silent = item.silent_days !== null;
  const [mean, before] = [item.mood_mean_7d, item.mood_mean_previous_7d];
  const words = mean === null
    ? [silent ? `Silent ${item.silent_days} days` : "Too few days yet"]
    : [name && `${name} `, h("b", {}, score(mean)), before === null ? "" : ` was ${score(before)}`];
  const label = `Mood over 60 days. ${mean === null ? words[0] : `Seven-day mean ${score(mean)}${before === null ? "" : `, before ${score(before)}`}`}.${item.last_mood === null ? "" : ` Last ${plain(item.last_mood)}.`} ${plural(item.dosing_days.length, "session")}.`;
  return [spark({ mood: item.mood_60d, dosing: item.dosing_days, silent, label }), h("span", { class: mean === null && silent ? "cell-words strong" : "cell-words", "aria-hidden": "true" }, ...words)];
};

/** PHQ-9: the latest total beside the baseline and the best. */
export const phqMark = ({ phq9 }, name) => {
  if (phq9.latest === null) return [h("span", { class: "cell-words" }, name ? `${name}: ` : hidden("PHQ-9: "), "Not measured yet")];
  if (!phq9.current) return [h("span", { class: "cell-words" }, name ? `${name}: ` : hidden("PHQ-9: "), `No current score; last ${plain(phq9.latest)}, ${shortDay(phq9.latest_at)}`)];
  const late = phq9.late_baseline && "late baseline";
  const standing = late && phq9.status === "baseline-only" ? [`only a ${late}`] : [STANDING[phq9.status] ?? plainWords(phq9.status), late];
  const words = [...standing, phq9.stale_days !== null && `${phq9.stale_days} days old`].filter(Boolean).join(", ");
  const first = phq9.baseline !== null && phq9.status !== "baseline-only";
  return [
    h("span", { class: "phq-now" }, name && `${name} `, h("b", {}, plain(phq9.latest)), first && h("span", { class: "quiet-text" }, ` from ${plain(phq9.baseline)}`)),
    phq9.baseline !== null && scaleNow("phq-9") && dumbbell({ ...phq9, of: scaleNow("phq-9"), label: `PHQ-9 ${plain(phq9.latest)}${first ? `, ${phq9.late_baseline ? "late " : ""}baseline ${plain(phq9.baseline)}` : ""}.` }),
    words && h("span", { class: "cell-words" }, words)];
};
