// axe and html-validate find nothing on any page in any state and look.
import { after, before, describe, test } from 'node:test';
import { launch, withPage } from '../lib/browser.mjs';
import { accessible, fitsTheScreen, validHtml } from '../lib/checks.mjs';
import { RelyingParty } from '../lib/relying-parties.mjs';
import { Signet } from '../lib/signet.mjs';
import { exampleStates, looks, states } from '../lib/states.mjs';

let signet;
let example;
let browser;
before(async () => {
  signet = await Signet.start();
  example = await RelyingParty.start('openidconnect', signet);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await example?.stop();
  await signet?.stop();
});

for (const [name, open] of [...Object.entries(states), ...Object.entries(exampleStates)]) {
  describe(name, () => {
    for (const [look, options] of Object.entries(looks)) {
      test(`axe, ${look}`, () => withPage(browser, { ...options, bypassCSP: true }, async (page) => {
        await open(page, { ...signet, example });
        await accessible(page);
        await fitsTheScreen(page);
      }));
    }

    test('valid HTML', () => withPage(browser, {}, (page) => validHtml(page, () => open(page, { ...signet, example }))));
  });
}

test('axe at twice the text size', () => withPage(browser, { bypassCSP: true, viewport: { width: 640, height: 400 } }, async (page) => {
  await states['sign-in'](page, signet);
  await page.addStyleTag({ content: ':root { font-size: 200% }' });
  await accessible(page);
  await fitsTheScreen(page);
}));
