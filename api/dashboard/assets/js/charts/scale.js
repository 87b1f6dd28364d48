// The whole of our chart library: a scale, a path that breaks where data is missing, ticks that are dates.
import { monthYear, month, shortDay } from "../words.js";

export const scale = (from, to, start, end) => (value) => start + ((value - from) / (to - from)) * (end - start);
const fixed = (value) => Math.round(value * 10) / 10;

/** One path for a whole series. A gap stays a gap; a lone value between gaps becomes a dot (round cap). */
export const linePath = (values, x, y) => {
  let path = "";
  values.forEach((value, index) => {
    if (value === null || value === undefined) return;
    const before = values[index - 1] ?? null;
    const after = values[index + 1] ?? null;
    path += `${before === null ? "M" : "L"}${fixed(x(index))} ${fixed(y(value))}`;
    if (before === null && after === null) path += "h.01";
  });
  return path;
};

/** Where a line alone would not be seen: at a value between gaps; and at the last one, where the line ends. Of few values, each. */
export const dotted = (values) => {
  const known = values.map((_, index) => index).filter((index) => (values[index] ?? null) !== null);
  const lone = (index) => (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
  return known.filter((index) => known.length <= 10 || lone(index) || index === known.at(-1));
};

/** Thin columns as one path: cheap even for 1,826 days. */
export const columnPath = (values, x, y, floor) =>
  values.map((value, index) => (value === null || value === undefined ? "" : `M${fixed(x(index))} ${fixed(floor)}V${fixed(y(value))}`)).join("");

/** The area between two series, broken where either is missing. */
export const bandPath = (low, high, x, y) => {
  const runs = [];
  low.forEach((value, index) => {
    if (value === null || high[index] === null) return;
    const run = runs.at(-1);
    if (run && run.at(-1) === index - 1) run.push(index);
    else runs.push([index]);
  });
  return runs.map((run) => {
    const top = run.map((index) => `${fixed(x(index))} ${fixed(y(high[index]))}`);
    const bottom = run.toReversed().map((index) => `${fixed(x(index))} ${fixed(y(low[index]))}`);
    return `M${top.join("L")}L${bottom.join("L")}Z`;
  }).join("");
};

/** Mean of the last seven days where at least three are known. It stops with the last record: a silence is never filled. */
export const weekMean = (values) => values.map((value, index) => {
  const silent = value === null && ((values[index - 1] ?? null) === null || (values[index + 1] ?? null) === null);
  if (silent) return null;
  const known = values.slice(Math.max(0, index - 6), index + 1).filter((item) => item !== null);
  return known.length < 3 ? null : known.reduce((sum, item) => sum + item, 0) / known.length;
});

/** First days of months (or Mondays on a short axis), thinned so that labels keep `gap` pixels apart. */
export const dateTicks = (days, x, gap) => {
  const short = days.length <= 62;
  const ticks = [];
  days.forEach((day, index) => {
    const wanted = short ? new Date(`${day}T12:00:00Z`).getUTCDay() === 1 : day.endsWith("-01");
    if (!wanted || (ticks.length && x(index) - x(ticks.at(-1).index) < gap)) return;
    ticks.push({ index, label: short ? shortDay(day) : days.length > 500 || day.slice(5, 7) === "01" ? monthYear(day) : month(day) });
  });
  return ticks;
};

export const addDays = (day, count) => {
  const moved = new Date(`${day}T12:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + count);
  return moved.toISOString().slice(0, 10);
};
export const dayIndex = (start, day) => Math.round((Date.parse(day) - Date.parse(start)) / 86_400_000);
