// Chromium with a fresh profile, and what every script does with it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Runs `use(context)` and closes the browser whatever happens. Pages fail the script on an error of their own; `refused`
 * are the statuses, and the words of messages, that are none. Before the sign-in, asking who one is may be answered with 401, which Chromium logs.
 */
export async function withBrowser(options, use, refused = [401]) {
  const profile = await mkdtemp(join(tmpdir(), "agentport-chromium-"));
  const root = process.getuid?.() === 0;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: root ? [...QUIET, "--no-sandbox"] : QUIET,
    ...options,
  });
  const faults = [];
  const watch = (page) => {
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(`${message.text()} (${message.location().url})`);
    });
  };
  context.pages().forEach(watch);
  context.on("page", watch);
  try {
    await use(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
  const words = refused.map((one) => (typeof one === "number" ? `status of ${one}` : one));
  const real = faults.filter((fault) => !words.some((word) => fault.includes(word)));
  if (real.length > 0) throw new Error(`errors in the page:\n${real.join("\n")}`);
}

/** Opens the dashboard and signs in as the owner. */
export async function signIn(page) {
  await page.goto(process.env.AGENTPORT_TEST_BASE + "/");
  await page.getByLabel("Owner password").fill(process.env.AGENTPORT_TEST_PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
}

/** One JSON object a line, for the test that drives the script. */
export function say(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}
