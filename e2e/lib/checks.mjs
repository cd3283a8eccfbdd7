// What axe and html-validate say about a page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { HtmlValidate } from 'html-validate';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const html = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    // Matters of taste. The sign-in page may have one submit button only, and a tenant's name is as long as it is.
    'doctype-style': 'off',
    'long-title': 'off',
    'prefer-button': 'off',
  },
});

/** Fails with what axe objects to. The page's own policy must be bypassed, or it wouldn't let axe in. */
export async function accessible(page) {
  // Contrast needs the stylesheet, and a script may still add a button.
  await page.waitForLoadState();
  await page.evaluate(axe);
  const { violations, incomplete } = await page.evaluate(() => globalThis.axe.run());
  // Contrast on a picture can't be computed; everything else that axe isn't sure of is worth a look.
  const unsure = incomplete.filter(({ id }) => id !== 'color-contrast');
  const objections = [...violations, ...unsure].flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  assert.deepEqual(objections, []);
}

/** Shows the page as a language would that is written from right to left. */
export const fromRightToLeft = (page) => page.evaluate(() => { document.documentElement.dir = 'rtl'; });

/** Fails when the page has to be scrolled sideways. */
export async function fitsTheScreen(page) {
  const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width <= room, `the page is ${width} px wide on a screen of ${room} px`);
}

/** Runs `open`, then fails with what is wrong with the HTML of the page that it ended at. */
export async function validHtml(page, open) {
  let last;
  const keep = (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) last = response;
  };
  page.on('response', keep);
  try {
    await open();
    await page.waitForLoadState();
  } finally {
    page.off('response', keep);
  }
  // Only now: the source of a page that was left again can't be had, and asking for it early races with leaving.
  const [shown] = page.url().split('#');
  assert.equal(last.url(), shown, 'the page is still on its way elsewhere');
  const report = await html.validateString(await last.text());
  const objections = report.results.flatMap(({ messages }) => messages.map(({ ruleId, message, line }) => `${ruleId} in line ${line}: ${message}`));
  assert.deepEqual(objections, []);
}
