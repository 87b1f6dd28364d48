// How the pages look: axe finds nothing, nothing overflows, at three widths, light and dark; and a picture of each for human eyes.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [[1280, 900], [820, 1180], [390, 844]];
const THEMES = ["light", "dark"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const flagForms = async (page) => {
  const card = page.locator("[data-flag].is-open, [data-flag].is-acknowledged").first();
  await card.waitFor();
  await card.focus();
  await page.keyboard.press("r");
  await card.getByRole("button", { name: "Resolve flag" }).click();
};
/** Name, address, what to wait for, what to do first, who. */
const PAGES = [
  ["sign-in", "/sign-in", "form", null, null],
  ["sign-in-problem", "/sign-in", "form", (page) => page.keyboard.press("Enter"), null],
  ["caseload", "/", "[data-row]"],
  ["caseload-nobody-matches", "/", "[data-row]", (page) => page.locator("#search").fill("zzz")],
  ["caseload-offline", "/", "[data-row]", async (page) => { await page.context().setOffline(true); await page.locator("#connection[data-online=false]").waitFor(); }],
  ["keyboard", "/", "[data-row]", (page) => page.keyboard.press("?")],
  ["account", "/", "[data-row]", (page) => page.locator("#account").click()],
  ["caseload-admin", "/", ".cards", null, "admin"],
  ["nothing", "/nosuch", "h1", null, null],
  ["flags", "/flags", "[data-flag], .message"],
  ["flags-resolve", "/flags", "[data-flag]", flagForms],
  ["flags-resolved", "/flags", "#states button", async (page) => { await page.locator("[data-state=resolved]").click(); await page.locator(".is-resolved, .message").first().waitFor(); }],
  ["patient", (lab) => `/patients/${lab.demoPatient}`, "[role=slider]"],
  ["patient-table", (lab) => `/patients/${lab.demoPatient}`, "[role=slider]", async (page) => { for (const summary of await page.locator("summary").all()) await summary.click(); }],
  ["patient-unknown", "/patients/019d8c0b-6f1e-7a43-9b63-0c8f0d7f5a10", ".message"],
  ["invite", "/invite", "form"],
  ["invitation-closed", "/invitations/nothing", "h1", null, null],
  ["problem", "/problems/invalid", "h1", null, null],
  ["mail", "/demo/mail", "h1", null, null],
];

const look = (lab, [name, path, wait, act, who = "therapist"], [width, height], theme, shots) => async () => {
  lab.demoPatient ??= (await lab.phone()).id;
  if (name.startsWith("flags-resolve") && theme === "light" && width === 1280) await lab.raiseFlag();
  const options = { viewport: { width, height }, colorScheme: theme, hasTouch: width < 500, reducedMotion: "reduce" };
  const page = who ? await lab.signedIn(who, options) : await lab.page(options);
  await page.goto(lab.url + (typeof path === "function" ? path(lab) : path));
  await page.locator(wait).first().waitFor();
  await act?.(page);
  await page.evaluate(() => document.fonts.ready);
  if (shots) {
    await mkdir(shots, { recursive: true });
    await page.screenshot({ path: `${shots}/${name}-${width}-${theme}.png`, fullPage: true, timeout: 60_000 });
  }
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "scrolls sideways");
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], iframes: false }), TAGS);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`), []);
};

export const looks = (shots) => PAGES.flatMap((page) => WIDTHS.flatMap((size) => THEMES.map((theme) =>
  [`${page[0]} at ${size[0]}, ${theme}`, (lab) => look(lab, page, size, theme, shots)()])));
