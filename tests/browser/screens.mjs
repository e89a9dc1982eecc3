// A picture of every page, light and dark, wide and narrow, and whether any of them scrolls sideways.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_PAGES (JSON: name → path), AGENTPORT_TEST_SCREENS.
import { join } from "node:path";
import { say, signIn, withBrowser } from "./chromium.mjs";

const pages = JSON.parse(process.env.AGENTPORT_TEST_PAGES);
const base = process.env.AGENTPORT_TEST_BASE;
const shapes = [
  ["wide", { width: 1280, height: 800 }],
  ["narrow", { width: 420, height: 860 }],
];

for (const colorScheme of ["light", "dark"]) {
  for (const [shape, viewport] of shapes) {
    await withBrowser({ viewport, colorScheme, reducedMotion: "reduce" }, async (context) => {
      const page = context.pages()[0] ?? (await context.newPage());
      const shoot = async (name) => {
        await page.waitForFunction(() => document.querySelector('[aria-busy="true"], .skeleton') === null);
        await page.evaluate(() => document.fonts.ready);
        const path = join(process.env.AGENTPORT_TEST_SCREENS, `${name}-${colorScheme}-${shape}.png`);
        await page.screenshot({ path, animations: "disabled" });
        const overflows = await page.evaluate(
          () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
        );
        say({ name, colorScheme, shape, path, overflows });
      };
      await page.goto(base + "/");
      await page.getByLabel("Owner password").waitFor();
      await shoot("sign-in");
      await signIn(page);
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(base + path);
        await page.getByRole("heading").first().waitFor();
        await shoot(name);
      }
    });
  }
}
