// Every page, light and dark, and what opens in it, looked at by axe: rules of WCAG and of good practice.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_PAGES (JSON: name → path).
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { say, signIn, withBrowser } from "./chromium.mjs";

const pages = JSON.parse(process.env.AGENTPORT_TEST_PAGES);
const base = process.env.AGENTPORT_TEST_BASE;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const button = (name) => (page) => page.getByRole("button", { name }).first().click();

/** What opens on a page, by what is done there. */
const openings = {
  request: { denying: button("Deny"), editing: button("Edit") },
  agents: { "new key": button("Create key"), profile: button("New profile") },
  "add-integration": { local: (page) => page.getByRole("tab", { name: "Local, by command" }).click() },
  connect: { paste: (page) => page.getByText("paste an entry").click() },
  client: { plan: button(/^Connect: /), "plan for its servers": button(/^Put its servers behind AgentPort/) },
  activity: { story: (page) => page.locator("tbody button").first().click() },
  policy: { "edit rule": button(/^Edit rule/) },
  settings: { "one-time codes": button("Set up") },
};

/** Menus, which are shown outside all landmarks. They hold the focus while they are open and belong to their button. */
const menus = {
  request: { "more ways": button("More ways to approve") },
  agent: { actions: button("More") },
  activity: {
    export: button("Export"),
    choice: (page) => page.locator("[aria-haspopup=listbox]").first().click(),
  },
};
const OF_A_MENU = { rules: { region: { enabled: false } } };

const entries = (of, options) => Object.entries(of ?? {}).map(([what, act]) => [what, act, options]);

for (const colorScheme of ["light", "dark"]) {
  const options = { viewport: { width: 1280, height: 900 }, colorScheme, reducedMotion: "reduce" };
  await withBrowser(options, async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const check = async (what, options = {}) => {
      const name = `${what}, ${colorScheme}`;
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"], .skeleton') === null);
      // What comes in with a movement is not judged half way.
      await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
      await page.evaluate(axe);
      const seen = await page.evaluate((options) => window.axe.run(document, options), options);
      const faults = seen.violations.map(({ id, impact, help, nodes }) => ({
        page: name,
        rule: id,
        impact: impact ?? "",
        help,
        elements: nodes.map((node) => `${node.target.join(" ")}: ${node.html}\n${node.failureSummary}`),
      }));
      say({ name, passes: seen.passes.length, faults });
    };
    await page.goto(base + "/");
    await page.getByLabel("Owner password").waitFor();
    await check("sign-in");
    await signIn(page);
    for (const [name, path] of Object.entries(pages)) {
      const open = async () => {
        await page.goto("about:blank");
        await page.goto(base + path);
        await page.getByRole("heading").first().waitFor({ state: "attached" });
      };
      await open();
      await check(name);
      const acts = [[openings, {}], [menus, OF_A_MENU]];
      for (const [what, act, options] of acts.flatMap(([of, options]) => entries(of[name], options))) {
        await open();
        await act(page);
        await check(`${name}, ${what}`, options);
      }
    }
  });
}
