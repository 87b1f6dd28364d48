// The course: one time axis for everything. Lanes share x, so that a session, a bad night and a score can be read as one story.
import { h, s } from "../dom.js";
import { BAND, dayOf, fullDay, plain, weekday } from "../words.js";
import { shape } from "../parts.js";
import { scale, linePath, dotted, columnPath, weekMean, dateTicks, addDays, dayIndex } from "./scale.js";
import { reader } from "./reader.js";
import { scaleNow } from "../instruments.js";

/** Short where there is little room. */
const SHORT = { "moderately-severe": "mod. severe" };
const RANGES = [[30, "30 days"], [90, "90 days"], [182, "6 months"], [Infinity, "All"]];

const lane = (svg, { top, label, marks, y, left, right }) => {
  svg.append(s("text", { x: left, y: top - 7, class: "lane-label" }, label));
  for (const mark of marks) {
    svg.append(s("path", { d: `M${left} ${y(mark)}H${right}`, class: "grid" }), s("text", { x: left - 6, y: y(mark) + 4, class: "tick end" }, String(mark)));
  }
};

const lineOf = (scores, from, x, y) => {
  const points = scores.map((score) => [dayIndex(from, score.day), score.total]);
  return { points, path: points.map(([day, total], index) => `${index ? "L" : "M"}${x(day)} ${y(total)}`).join("") };
};

const nothing = (left, y, words) => s("text", { x: left + 8, y, class: "tick" }, words);

/** The scale of a questionnaire; where its definition did not arrive, as high as its scores, without bands. */
const axis = (known, scores) => {
  const maximum = known?.maximum ?? Math.max(1, ...scores.map(({ total }) => total));
  const bands = known?.bands ?? [];
  return { maximum, bands, marks: [...new Set([0, ...bands.map(({ from }) => from), maximum])] };
};

const draw = (patient, from, width) => {
  const days = Array.from({ length: dayIndex(from, patient.today) + 1 }, (_, index) => addDays(from, index));
  const skip = dayIndex(patient.start, from);
  const mood = patient.mood.slice(skip);
  const sleep = patient.sleep.slice(skip);
  const wide = width > 620;
  const [left, right] = [26, width - (wide ? 84 : 8)];
  const x = scale(0, days.length - 1, left + 6, right - 6);
  const inside = (item) => item.day >= from;
  const dosing = patient.sessions.filter((session) => session.kind === "dosing" && inside(session));
  const svg = s("svg", { width, "aria-hidden": "true", class: "course" });

  // Sessions: one rule through all lanes, with its number on top where there is room.
  const many = dosing.length > 30;
  const rules = dosing.map((session) => x(dayIndex(from, session.day)));
  const top = 30;
  // Lanes from top to bottom.
  const [moodHigh, sleepHigh, phqHigh, gadHigh, between] = [110, 44, 120, 52, 36];
  const moodTop = 64; const yMood = scale(0, 10, moodTop + moodHigh, moodTop);
  const sleepTop = moodTop + moodHigh + between; const ySleep = scale(0, 10, sleepTop + sleepHigh, sleepTop);
  const [ofPhq, ofGad] = [axis(scaleNow("phq-9"), patient.phq9), axis(scaleNow("gad-7"), patient.gad7)];
  const phqTop = sleepTop + sleepHigh + between; const yPhq = scale(0, ofPhq.maximum, phqTop + phqHigh, phqTop);
  const gadTop = phqTop + phqHigh + between; const yGad = scale(0, ofGad.maximum, gadTop + gadHigh, gadTop);
  const doseTop = gadTop + gadHigh + between;

  ofPhq.bands.forEach(({ from: low, code, title }, index) => {
    const high = ofPhq.bands[index + 1]?.from ?? ofPhq.maximum;
    if (index % 2) svg.append(s("rect", { x: left, y: yPhq(high), width: right - left, height: yPhq(low) - yPhq(high), class: "band" }));
    if (wide) svg.append(s("text", { x: right + 6, y: (yPhq(low) + yPhq(high)) / 2 + 4, class: "tick" }, SHORT[code] ?? title));
  });
  svg.append(s("path", { d: rules.map((at) => `M${at} ${top}V${doseTop + 14}`).join(""), class: many ? "session-rule many" : "session-rule" }));

  lane(svg, { top: moodTop, label: "Mood, 0 to 10: each day, and the 7-day mean", marks: [0, 5, 10], y: yMood, left, right });
  svg.append(s("path", { d: linePath(mood, x, yMood), class: "mood-raw" }),
    ...dotted(mood).map((index) => s("circle", { cx: x(index), cy: yMood(mood[index]), r: days.length > 200 ? 2 : 3, class: "mood-dot" })), s("path", { d: linePath(weekMean(mood), x, yMood), class: "mood-mean" }));
  // A silence is a dotted line from the last record to today.
  const known = mood.findLastIndex((value) => value !== null);
  if (known < 0) svg.append(nothing(left, yMood(5) - 6, "no check-in"));
  else if (patient.silent) svg.append(s("path", { d: `M${x(known) + 5} ${yMood(mood[known])}H${right - 6}`, class: "silence" }));
  lane(svg, { top: sleepTop, label: "Sleep, hours", marks: [0, 8], y: ySleep, left, right });
  svg.append(s("path", { d: columnPath(sleep, x, ySleep, ySleep(0)), class: "sleep-bars", "stroke-width": Math.max(0.6, Math.min(5, ((right - left) / days.length) * 0.62)) }));
  if (sleep.every((value) => value === null)) svg.append(nothing(left, ySleep(4), "not noted"));

  lane(svg, { top: phqTop, label: `PHQ-9, 0 to ${ofPhq.maximum}: lower is lighter`, marks: ofPhq.marks, y: yPhq, left, right });
  const phq = lineOf(patient.phq9.filter(inside), from, x, yPhq);
  const dot = phq.points.length > 40 ? 2 : 3.6;
  if (!phq.points.length) svg.append(nothing(left, yPhq(ofPhq.maximum / 2) + 4, "not measured in this time"));
  svg.append(s("path", { d: phq.path, class: "phq-path" }), ...phq.points.map(([day, total]) => s("circle", { cx: x(day), cy: yPhq(total), r: dot, class: "phq-dot" })));
  const gad = lineOf(patient.gad7.filter(inside), from, x, yGad);
  lane(svg, { top: gadTop, label: `GAD-7, 0 to ${ofGad.maximum}`, marks: [0, ofGad.maximum], y: yGad, left, right });
  svg.append(s("path", { d: gad.path, class: "gad-path" }), ...gad.points.map(([day, total]) => s("rect", { x: x(day) - dot * 0.85, y: yGad(total) - dot * 0.85, width: dot * 1.7, height: dot * 1.7, class: "gad-dot" })));
  if (!gad.points.length) svg.append(nothing(left, yGad(ofGad.maximum / 2) + 4, "not measured in this time"));

  svg.append(s("text", { x: left, y: doseTop - 7, class: "lane-label" }, patient.doses.length ? "Home doses (tick) and shared journal (ring)" : "Shared journal"),
    s("path", { d: `M${left} ${doseTop + 14}H${right}`, class: "axis" }),
    s("path", { d: patient.doses.filter(inside).map((dose) => `M${x(dayIndex(from, dose.day))} ${doseTop + 14}v-11`).join(""), class: "dose-ticks" }),
    ...patient.journal.filter(inside).map((entry) => s("circle", { cx: x(dayIndex(from, entry.day)), cy: doseTop + 3, r: 3, class: "entry" })));
  for (const { index, label } of dateTicks(days, x, 46)) {
    if (x(index) > right - 18) continue;
    svg.append(s("path", { d: `M${x(index)} ${doseTop + 14}v5`, class: "axis" }), s("text", { x: x(index), y: doseTop + 33, class: "tick middle" }, label));
  }
  const bottom = doseTop + 40;

  let lastLabel = -99;
  dosing.forEach((session, index) => {
    svg.append(s("circle", { cx: rules[index], cy: top - 4, r: days.length > 500 ? 1.8 : 3.2, class: "session-dot" }));
    if (rules[index] - lastLabel < (many ? 40 : 17)) return;
    lastLabel = rules[index];
    svg.append(s("text", { x: rules[index], y: top - 12, class: "tick middle" }, String(session.n)));
  });
  let free = right + 8; // flags stand on the session line, newest at the right, never on top of each other
  for (const flag of patient.flags.filter((item) => item.state !== "resolved" && dayOf(item.opened_at) >= from).sort((a, b) => b.opened_at.localeCompare(a.opened_at))) {
    free = Math.min(x(dayIndex(from, dayOf(flag.opened_at))) + 7, free) - 16;
    svg.append(s("g", { transform: `translate(${free} ${top - 12})` }, shape(flag.severity, { width: 14, height: 14 })));
  }
  const last = phq.points.at(-1);
  if (last) svg.append(s("text", { x: Math.min(x(last[0]), right) - 8, y: yPhq(last[1]) - 8, class: "value end" }, String(last[1])));

  const rule = s("path", { class: "cursor" });
  const ring = s("circle", { r: 5, class: "cursor-dot" });
  svg.append(rule, ring);
  svg.setAttribute("height", bottom);
  svg.setAttribute("viewBox", `0 0 ${width} ${bottom}`);

  const on = (list, day) => list.filter((item) => item.day === day);
  const words = (index) => {
    const day = days[index];
    const before = dosing.findLast((session) => session.day <= day);
    const gap = before && dayIndex(before.day, day);
    return [
      fullDay(day),
      mood[index] === null ? "no check-in" : `mood ${plain(mood[index])}`,
      sleep[index] !== null && `slept ${plain(sleep[index])} h`,
      ...on(patient.phq9, day).map((score) => `PHQ-9 ${score.total}, ${BAND[score.band] ?? score.band}`),
      ...on(patient.gad7, day).map((score) => `GAD-7 ${score.total}`),
      ...on(patient.doses, day).map((dose) => `home dose ${plain(dose.amount_mg)} mg`),
      on(patient.journal, day).length > 0 && "journal entry",
      before && (gap === 0 ? `session ${before.n}` : `day ${gap} after session ${before.n}`),
    ].filter(Boolean).join(" · ");
  };
  const show = (index) => {
    rule.setAttribute("d", index === null ? "" : `M${x(index)} ${top - 4}V${doseTop + 14}`);
    ring.setAttribute("visibility", index === null || mood[index] === null ? "hidden" : "visible");
    if (index !== null && mood[index] !== null) { ring.setAttribute("cx", x(index)); ring.setAttribute("cy", yMood(mood[index])); }
  };
  show(null);
  const back = scale(left + 6, right - 6, 0, days.length - 1);
  return reader({
    svg, label: `Course of ${days.length} days`, count: days.length, stops: dosing.map((session) => dayIndex(from, session.day)), words, show,
    at: (pixel) => Math.round(back(pixel)),
  });
};

const table = (patient) =>
  h("details", { class: "as-table" }, h("summary", {}, "Show as a table"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores and sessions as a table" }, h("table", {},
      h("thead", {}, h("tr", {}, ...["Day", "PHQ-9", "Band", "GAD-7", "Mood that day", "Sleep"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...patient.phq9.filter(({ day }) => day >= patient.start).toReversed().map((score) => {
        const index = dayIndex(patient.start, score.day);
        return h("tr", {}, h("th", { scope: "row" }, weekday(score.day)), ...[score.total, BAND[score.band] ?? score.band, patient.gad7.find((gad) => gad.day === score.day)?.total, patient.mood[index] ?? "no check-in", patient.sleep[index] === null || patient.sleep[index] === undefined ? "–" : `${plain(patient.sleep[index])} h`].map((value) => h("td", {}, String(value ?? "–"))));
      })))));

/** `all` asks for what lies before the loaded days; without it everything is here. */
export const course = (place, patient, { days: wanted = 182, all = null } = {}) => {
  const length = patient.mood.length;
  let range = Math.min(wanted, length);
  const buttons = h("div", { class: "segmented", role: "group", "aria-label": "Time shown" });
  const chart = h("div", { class: "chart" });
  const redraw = () => {
    const width = Math.floor(chart.clientWidth);
    if (!width) return;
    const from = range >= length ? patient.start : addDays(patient.today, 1 - range);
    chart.replaceChildren(...draw(patient, from, width));
  };
  const choices = RANGES.filter(([days]) => days < length || days === Infinity);
  for (const [days, text] of choices.length > 1 ? choices : []) {
    buttons.append(h("button", { type: "button", "aria-pressed": String(days === Infinity ? range >= length && !all : days === range), onclick: (event) => {
      for (const button of buttons.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      if (days === Infinity && all) return all();
      range = Math.min(days, length);
      redraw();
    } }, text));
  }
  if (buttons.children.length) place.append(buttons);
  place.append(chart, table(patient));
  let seen = chart.clientWidth;
  redraw();
  new ResizeObserver(() => { if (Math.abs(chart.clientWidth - seen) > 1) { seen = chart.clientWidth; redraw(); } }).observe(chart);
};
