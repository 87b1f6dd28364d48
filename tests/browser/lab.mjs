// What every check needs: a browser that notes everything that must not happen, the four people of the demo, and their phones.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";

/** Answers that a check provokes on purpose: the browser reports them as console errors by itself. */
const PROVOKED = /Failed to load resource: the server responded with a status of (401|403|404|409|422|503)|net::ERR_(INTERNET_DISCONNECTED|FAILED)/;

export class Lab {
  static async open(url, password) {
    const lab = new Lab();
    Object.assign(lab, { url, password, contexts: [], faults: [], states: new Map() });
    lab.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
    return lab;
  }

  /** A page in a window of its own; everything that must not happen on it is noted. */
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
    this.contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !PROVOKED.test(message.text())) this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`error: ${error.stack ?? error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.url) && !/^(data|blob|about):/.test(request.url())) this.faults.push(`request to another host: ${request.url()}`);
    });
    await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    return page;
  }

  /** A page with somebody of the demo's staff signed in. */
  async signedIn(who = "therapist", options = {}) {
    if (!this.states.has(who)) {
      const page = await this.page();
      await this.signIn(page, who);
      this.states.set(who, await page.context().storageState());
    }
    return this.page({ storageState: this.states.get(who), ...options });
  }

  async signIn(page, who, password = this.password) {
    if (!page.url().includes("/sign-in")) await page.goto(`${this.url}/sign-in`);
    await page.getByLabel("Work email").fill(who.includes("@") ? who : `${who}@demo.example`);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL((address) => !address.pathname.startsWith("/sign-in"));
  }

  /** A client of the API: the patient's phone, or a member's program. */
  async client(who) {
    const ask = async (method, path, body, headers = {}) => {
      const answer = await fetch(`${this.url}/v1/${path}`, { method, body: body && JSON.stringify(body), headers: { ...(body && { "content-type": "application/json" }), ...headers } });
      const json = answer.status === 204 ? null : await answer.json();
      assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
      return json;
    };
    const { access_token: token, account } = await ask("POST", "auth/login", { email: `${who}@demo.example`, password: this.password });
    const as = (headers = {}) => ({ authorization: `Bearer ${token}`, ...headers });
    return {
      account,
      get: (path) => ask("GET", path, undefined, as()),
      post: (path, body) => ask("POST", path, body, as({ "idempotency-key": randomUUID() })),
      patch: (path, body, match) => ask("PATCH", path, body, as({ "if-match": match })),
    };
  }

  /** The demo's patient and their phone. */
  async phone() {
    this.theirs ??= await this.client("patient");
    return { id: this.theirs.account.patient_id, ...this.theirs };
  }

  /** A PHQ-9 whose ninth answer asks for a call. */
  async raiseFlag() {
    const phone = await this.phone();
    const answers = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), index === 8 ? 3 : 2]));
    await phone.post("patients/me/assessments", { occurred_at: new Date().toISOString(), time_zone: "Europe/London", instrument: "phq-9", answers });
    const { items } = await (await this.client("therapist")).get(`patients/${phone.id}/flags?limit=50`);
    const flag = items.find(({ state, severity }) => state === "open" && ["emergency", "urgent"].includes(severity));
    assert.ok(flag, "a ninth answer of 3 raised no open flag");
    return flag;
  }

  /** Fails if anything happened that must not. */
  clean() {
    const faults = this.faults.splice(0);
    assert.deepEqual(faults, []);
  }

  async closeAll() {
    this.faults.length = 0;
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
  }

  close() {
    return this.browser.close();
  }
}
