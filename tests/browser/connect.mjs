// The owner connects a client in a real browser, sees its first call by itself, takes it back; then brings its servers
// along while somebody else writes the file, and takes that back as well.
// Reads AGENTPORT_TEST_BASE, AGENTPORT_TEST_PASSWORD, AGENTPORT_TEST_FILE (Junie's), CHROMIUM. Says one JSON object a
// line at each step.
import { appendFile } from "node:fs/promises";
import { say, signIn, withBrowser } from "./chromium.mjs";

const base = process.env.AGENTPORT_TEST_BASE;
const file = process.env.AGENTPORT_TEST_FILE;
// A plan that no longer fits is refused with 409, which Chromium logs.
const REFUSED = [401, 409];

await withBrowser(
  { viewport: { width: 1280, height: 900 } },
  async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const focused = (name) =>
      page.waitForFunction((name) => document.activeElement?.textContent?.trim() === name, name);
    const heading = (name) => page.getByRole("heading", { name, exact: true });
    // Enabled once there is a plan for the newest choice.
    const apply = () => page.getByRole("button", { name: "Apply", exact: true }).click();
    const diff = page.getByRole("region", { name: /^What changes in / });

    await signIn(page);
    await page.getByRole("link", { name: "Connect", exact: true }).click();
    await page.getByRole("link", { name: "Connect: Junie" }).click();
    await heading("Connect Junie").waitFor();
    await focused("Connect Junie");
    await diff.waitFor();
    say({ at: "planned", diff: await diff.innerText() });
    await apply();
    await focused("Junie is connected");
    await page.getByText("Waiting for the first call of Junie").waitFor();
    await page.getByText(/^2 servers of Junie still bypass AgentPort/).waitFor();
    say({ at: "connected" });
    await page.getByRole("status").getByText("Connected: first call seen at").waitFor();
    say({ at: "seen" });
    await page.getByRole("button", { name: "Undo…" }).click();
    await heading("Disconnect Junie").waitFor();
    await apply();
    await heading("Junie is disconnected").waitFor();
    say({ at: "undone" });
    await page.getByRole("button", { name: "Done" }).click();

    const along = page.getByRole("button", { name: /^Put its servers behind AgentPort/ });
    await along.click();
    await heading("Put the servers of Junie behind AgentPort").waitFor();
    await page.getByText("Something is still to be chosen above.").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("Put its servers"));
    await along.click();
    await page.getByText("Take it over under another name").click();
    await page.getByLabel("Its id here").waitFor();
    await page.getByLabel("Keep memory in Junie").check();
    await page.getByText("Something is still to be chosen above.").waitFor({ state: "detached" });
    await page.locator("button:enabled", { hasText: /^Apply$/ }).waitFor();
    await appendFile(file, "// written meanwhile\n");
    await apply();
    await focused("Make the plan anew");
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Made anew.").waitFor();
    await apply();
    await heading("The servers of Junie are behind AgentPort").waitFor();
    say({ at: "along" });
    await page.getByRole("button", { name: "Undo…" }).click();
    await page.getByText("Also remove the integrations that came from Junie").click();
    await page.getByText(/ (is|are) removed here, with secrets and rules/).waitFor();
    await apply();
    await heading("The file of Junie is restored").waitFor();
    say({ at: "back" });

    await page.goto(`${base}/#/connect`);
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("none missing or changed").waitFor();
    say({ at: "checked" });
  },
  REFUSED,
);
