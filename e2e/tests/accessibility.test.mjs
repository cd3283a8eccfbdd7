// axe and html-validate find nothing on any page in any state and look.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { HtmlValidate } from 'html-validate';
import { launch, withPage } from '../lib/browser.mjs';
import { Signet } from '../lib/signet.mjs';
import { looks, states } from '../lib/states.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const html = new HtmlValidate({ extends: ['html-validate:recommended'] });

let signet;
let browser;
before(async () => {
  signet = await Signet.start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await signet?.stop();
});

/** What axe objects to, in words that help to find it. */
async function objections(page) {
  await page.evaluate(axe);
  const { violations, incomplete } = await page.evaluate(() => globalThis.axe.run());
  return [...violations, ...incomplete.filter(({ id }) => id !== 'color-contrast')]
    .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
}

for (const [name, open] of Object.entries(states)) {
  describe(name, () => {
    for (const [look, options] of Object.entries(looks)) {
      // axe runs inside the page, where the page's own policy wouldn't let it in.
      test(`axe, ${look}`, () => withPage(browser, { ...options, bypassCSP: true }, async (page) => {
        await open(page, signet);
        assert.deepEqual(await objections(page), []);
        const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(width <= room, `the page is ${width} px wide on a screen of ${room} px`);
      }));
    }

    test('valid HTML', () => withPage(browser, {}, async (page) => {
      let source;
      page.on('response', async (response) => {
        const request = response.request();
        if (request.isNavigationRequest() && response.status() !== 303) source = response.text();
      });
      await open(page, signet);
      const report = await html.validateString(await source);
      assert.deepEqual(report.results.flatMap(({ messages }) => messages.map(({ ruleId, message, line }) => `${ruleId} in line ${line}: ${message}`)), []);
    }));
  });
}

test('axe at twice the text size', () => withPage(browser, { bypassCSP: true, viewport: { width: 640, height: 400 } }, async (page) => {
  await states['sign-in'](page, signet);
  await page.addStyleTag({ content: ':root { font-size: 200% }' });
  assert.deepEqual(await objections(page), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
}));
