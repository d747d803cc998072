/** The pages in a real browser: the report, and that of `gist dataset inspect --html`. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { writePage } from '../../../src/cli/dataset/page.js';
import { conclude } from '../../../src/report/conclusion.js';
import { drawFigures } from '../../../src/report/drawn-figures.js';
import { renderHtml } from '../../../src/report/html.js';
import { accessibilityBreaches, Browser, focusOrder, withoutChromium } from '../../support/browser.js';
import { discPng, fullReport } from '../../support/report-input.js';

describe('pages in a browser', { skip: withoutChromium }, () => {
  let folder: string;
  let browser: Browser;
  let report: string;
  let dataset: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-pages-'));
    report = path.join(folder, 'report.html');
    dataset = path.join(folder, 'dataset.html');
    const input = await fullReport();
    await writeFile(report, renderHtml(input, await drawFigures(input), conclude(input)));
    const images = await Promise.all(
      [0, 1, 2, 3].map(async (i) => ({
        name: i % 2 ? 'knee <left>' : 'knee-right',
        png: await discPng(32, i),
      })),
    );
    const rows = [
      ['images', '480 training, 120 holdout'],
      ['warning', 'values 0 to 4095 become 0 to 255'],
    ];
    const text = [await discPng(32, 9)];
    await writePage(dataset, { title: 's3://gist/datasets/d1/', rows, images, text });
    browser = await Browser.launch();
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('no page has an error, asks for anything, or breaks a rule of accessibility, light or dark', async () => {
    for (const file of [report, dataset])
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, messages, requests } = await browser.open(file);
        await page.emulateMedia({ colorScheme });
        await openAll(page);
        assert.deepEqual(await accessibilityBreaches(page), [], `${file} ${colorScheme}`);
        const broken = await page.evaluate<number>(
          '[...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length',
        );
        assert.deepEqual([broken, messages, requests], [0, [], []]);
        await page.close();
      }
  });

  test('a page fits on a phone and on a wide screen; only tables scroll', async () => {
    for (const file of [report, dataset])
      for (const width of [320, 768, 1600]) {
        const { page } = await browser.open(file, width);
        await openAll(page);
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width, `${width}`);
        await page.close();
      }
  });

  test('the report has landmarks and one order of headings, and its contents lead to each section', async () => {
    const { page } = await browser.open(report);
    const count = (selector: string) => page.locator(selector).count();
    for (const landmark of ['header', 'nav', 'main', 'footer', 'h1']) assert.equal(await count(landmark), 1);
    const levels = await page.evaluate<number[]>(
      `[...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))`,
    );
    levels.forEach((level, i) => {
      assert.ok(level <= (levels[i - 1] ?? 0) + 1);
    });
    const targets = await page.evaluate<string[]>(
      `[...document.querySelectorAll('nav a')].map((a) => a.getAttribute('href').slice(1))`,
    );
    assert.equal(targets.length, await count('main > section'));
    for (const id of targets) assert.equal(await count(`section#${id} > h2`), 1);
    await page.close();
  });

  test('the keyboard reaches the skip link first, then the contents, then what can be opened or scrolled', async () => {
    const { page } = await browser.open(report);
    const links = await page.locator('nav a').allTextContents();
    const reached = await focusOrder(page, links.length + 3);
    assert.equal(reached[0], 'A Skip to the content');
    assert.deepEqual(
      reached.slice(1, links.length + 1),
      links.map((link) => `A ${link}`),
    );
    assert.deepEqual(reached.slice(links.length + 1), [
      'SUMMARY Words used in this report',
      'DIV Table: Compared with unseen real images',
    ]);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    assert.ok(await page.evaluate('document.activeElement.parentElement.open'));
    await page.close();
  });

  test('dark mode darkens the page, and print is light again, without the contents', async () => {
    const { page } = await browser.open(report);
    const background = () =>
      page.evaluate<number[]>(`getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)`);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.ok((await background()).every((value) => value < 60));
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    assert.deepEqual(await background(), [255, 255, 255]);
    assert.equal(await page.locator('nav').isVisible(), false);
    assert.ok((await page.pdf({ format: 'A4' })).length > 10_000);
    await page.close();
  });
});

function openAll(page: Page): Promise<unknown> {
  return page.evaluate(`document.querySelectorAll('details').forEach((one) => { one.open = true })`);
}
