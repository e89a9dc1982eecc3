// The owner's part of a sign-in, in Chromium: opens the provider's page, approves, and says what page came back.
// Reads AGENTPORT_TEST_URL, CHROMIUM. Says one JSON object.
import { say, withBrowser } from "./chromium.mjs";

// Chromium asks every origin for a favicon, which neither has.
const refused = [401, 404];
await withBrowser(
  {},
  async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(process.env.AGENTPORT_TEST_URL);
    const back = page.waitForResponse((response) => new URL(response.url()).pathname === "/callback");
    await page.getByRole("button", { name: "Approve" }).click();
    const response = await back;
    await page.getByRole("heading").waitFor();
    say({ status: response.status(), text: await page.locator("body").innerText() });
  },
  refused,
);
