// axe and html-validate find nothing on any page in any state and look.
import { after, before, describe, test } from 'node:test';
import { withPage } from '../lib/browser.mjs';
import { accessible, fitsTheScreen, fromRightToLeft, validHtml } from '../lib/checks.mjs';
import { RelyingParty } from '../lib/relying-parties.mjs';
import { browser, inBrowser, signet } from '../lib/stage.mjs';
import { brandedStates, brandedTenant, exampleStates, leavingClient, logoutStates, looks, states } from '../lib/states.mjs';

let example;
let branded;
let leaver;
before(async () => {
  branded = await brandedTenant(signet);
  leaver = await leavingClient(signet);
  example = await RelyingParty.start('openidconnect', signet);
});
after(() => example?.stop());

for (const [name, visit] of Object.entries({ ...states, ...logoutStates, ...brandedStates, ...exampleStates })) {
  describe(name, () => {
    const open = (page) => visit(page, { ...signet, branded, example, leaver });
    const inLook = (look, check) => () => withPage(browser, { ...looks[look], bypassCSP: true }, check);

    test('light, and valid HTML', inLook('light', async (page) => {
      await validHtml(page, () => open(page));
      await accessible(page);
    }));

    test('dark', inLook('dark', async (page) => {
      await open(page);
      await accessible(page);
    }));

    test('narrow, from left to right and from right to left', inLook('narrow', async (page) => {
      await open(page);
      await accessible(page);
      await fitsTheScreen(page);
      await fromRightToLeft(page);
      await fitsTheScreen(page);
    }));
  });
}

test('axe at twice the text size', inBrowser({ bypassCSP: true, viewport: { width: 640, height: 400 } }, async (page) => {
  await states['sign-in'](page, signet);
  await page.addStyleTag({ content: ':root { font-size: 200% }' });
  await accessible(page);
  await fitsTheScreen(page);
}));
