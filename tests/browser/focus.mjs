// The focus goes to the field that is to be filled in: at a recovery code and where a form opens; and a click beside a
// dialog does not take away what was typed in it.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_CODES (a file of JSON: recovery
// codes, there once the first step is said), CHROMIUM. Says one JSON object a line at each step.
import { readFile } from "node:fs/promises";
import { say, signIn, withBrowser } from "./chromium.mjs";

const base = process.env.AGENTPORT_TEST_BASE;
const password = process.env.AGENTPORT_TEST_PASSWORD;

/** There once the codes are on, which the page may show a moment earlier. */
async function codes() {
  for (;;) {
    const text = await readFile(process.env.AGENTPORT_TEST_CODES, "utf8").catch(() => "");
    if (text.endsWith("]")) return JSON.parse(text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await withBrowser(
  { viewport: { width: 1000, height: 420 } },
  async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const focused = (label) =>
      page.waitForFunction((label) => {
        const [named] = document.activeElement?.labels ?? [];
        return named?.textContent?.trim() === label;
      }, label);

    await signIn(page);
    say({ at: "signed in" });

    // Below the fold of a low window. The one-time codes are turned on meanwhile.
    await page.goto(base + "/#/settings");
    await page.getByRole("button", { name: "Turn off…" }).waitFor();
    const section = page.getByRole("region", { name: "Owner password", exact: true });
    await section.getByRole("button", { name: "Change…" }).click();
    await focused("Current password");
    const inView = await page.evaluate(() => {
      const { top, bottom } = document.activeElement.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
    if (!inView) throw new Error("the first field is out of view");
    const changed = "another password of the owner";
    await page.keyboard.type(password);
    await section.getByLabel("New password").fill(changed);
    await section.getByLabel("Repeat it").fill(changed);
    await page.keyboard.press("Enter");

    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.getByRole("button", { name: "Use a recovery code" }).click();
    await focused("Recovery code");
    const [first, second] = await codes();
    await page.keyboard.type(first);
    await page.mouse.click(5, 5);
    const kept = await dialog.getByLabel("Recovery code").inputValue();
    if (kept !== first) throw new Error(`a click beside the dialog left ${JSON.stringify(kept)}`);
    await dialog.getByLabel("Recovery code").press("Enter");
    await page.getByText("The owner password was changed.").waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Owner password").fill(changed);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await focused("Recovery code");
    await page.keyboard.type(second);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    say({ at: "signed in again" });
  },
  [401, 403],
);
