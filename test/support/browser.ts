/** Opens pages in an installed Chromium, which may load nothing but the page itself. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const USUAL_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
/** For a browser that runs as root, without a display, and that must not call its maker. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `GIST_CHROMIUM`, or the first of the usual paths; null: no browser. */
export function findChromium(): string | null {
  const given = process.env.GIST_CHROMIUM;
  return [...(given ? [given] : USUAL_PATHS)].find(existsSync) ?? null;
}

/** For the option `skip` of a test: false, or the reason. */
export const withoutChromium: string | false = findChromium()
  ? false
  : 'no Chromium is installed: apt-get install chromium, or set GIST_CHROMIUM';

export interface OpenPage {
  page: Page;
  /** Messages of the console and errors of the page. */
  messages: string[];
  /** Addresses that it asked for, without its own and `data:`. */
  requests: string[];
}

/** A browser with a profile of its own. */
export class Browser {
  private constructor(
    private readonly context: BrowserContext,
    private readonly profile: string,
  ) {}

  static async launch(): Promise<Browser> {
    const executablePath = findChromium();
    if (!executablePath) throw new Error(String(withoutChromium));
    const profile = await mkdtemp(path.join(tmpdir(), 'gist-browser-'));
    const options = { executablePath, args: FLAGS, headless: true };
    return new Browser(await chromium.launchPersistentContext(profile, options), profile);
  }

  async open(file: string, width = 1200): Promise<OpenPage> {
    const page = await this.context.newPage();
    const address = pathToFileURL(file).href;
    const opened: OpenPage = { page, messages: [], requests: [] };
    page.on('console', (message) => opened.messages.push(message.text()));
    page.on('pageerror', (error) => opened.messages.push(String(error)));
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:'))
        opened.requests.push(request.url());
    });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(address);
    return opened;
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Breaches of accessibility rules (axe-core): rule, element, what to do. */
export async function accessibilityBreaches(page: Page): Promise<string[]> {
  const script = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(await readFile(script, 'utf8'));
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + ' ' + failureSummary)))`);
}

/** What the keyboard reaches, in order: the tag, and the text or label of each element. */
export async function focusOrder(page: Page, presses: number): Promise<string[]> {
  const reached: string[] = [];
  for (let i = 0; i < presses; i++) {
    await page.keyboard.press('Tab');
    reached.push(
      await page.evaluate<string>(
        `(({ tagName, ariaLabel, textContent }) => tagName + ' ' + (ariaLabel ?? textContent).trim())(document.activeElement)`,
      ),
    );
  }
  return reached;
}
