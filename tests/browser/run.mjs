// The runner: reads the command line, runs the checks one after the other, prints a plain count.
import { parseArgs } from "node:util";
import { Lab } from "./lab.mjs";
import { looks } from "./looks.mjs";
import * as pages from "./pages.mjs";
import * as accounts from "./accounts.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { password: { type: "string", default: "correct horse battery staple" }, shots: { type: "string" }, only: { type: "string" } },
});
if (positionals.length !== 1) {
  console.error("usage: tests/browser/run URL [--password PW] [--shots DIR] [--only WORD]");
  process.exit(2);
}

const lab = await Lab.open(positionals[0].replace(/\/$/, ""), values.password);
const checks = [...Object.entries(pages), ...Object.entries(accounts), ...looks(values.shots)];
let [passed, failed] = [0, 0];
for (const [name, check] of checks) {
  const words = name.replaceAll("_", " ");
  if (values.only && !words.includes(values.only)) continue;
  try {
    await check(lab);
    lab.clean();
    passed += 1;
    console.log(`ok    ${words}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${words}\n      ${String(error.stack ?? error).replaceAll("\n", "\n      ")}`);
  } finally {
    await lab.closeAll();
  }
}
await lab.close();
console.log(`browser: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
