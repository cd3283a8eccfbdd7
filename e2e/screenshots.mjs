// Pictures of every page in every look, for people to look at: e2e/screenshots/PAGE.LOOK.png
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { launch, withPage } from './lib/browser.mjs';
import { RelyingParty } from './lib/relying-parties.mjs';
import { Signet } from './lib/signet.mjs';
import { exampleStates, looks, states } from './lib/states.mjs';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));
await mkdir(folder, { recursive: true });
const signet = await Signet.start();
const example = await RelyingParty.start('openidconnect', signet);
const browser = await launch();
try {
  for (const [name, open] of Object.entries({ ...states, ...exampleStates })) {
    for (const [look, options] of Object.entries({ ...looks, german: { ...looks.phone, locale: 'de-DE' } })) {
      const file = path.join(folder, `${name}.${look}.png`);
      await withPage(browser, options, async (page) => {
        await open(page, { ...signet, example });
        await page.screenshot({ path: file, fullPage: true });
      });
      console.log(file);
    }
  }
} finally {
  await browser.close();
  await example.stop();
  await signet.stop();
}
