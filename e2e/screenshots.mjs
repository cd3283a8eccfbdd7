// Pictures of every page in every look, or of those that are named: e2e/screenshots/PAGE.LOOK.png
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { launch, withPage } from './lib/browser.mjs';
import { fromRightToLeft } from './lib/checks.mjs';
import { RelyingParty } from './lib/relying-parties.mjs';
import { Signet } from './lib/signet.mjs';
import { brandedStates, brandedTenant, exampleStates, leavingClient, logoutStates, looks, states } from './lib/states.mjs';

const folder = fileURLToPath(new URL('screenshots', import.meta.url));
const wanted = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const signet = await Signet.start();
const branded = await brandedTenant(signet);
const leaver = await leavingClient(signet);
const example = await RelyingParty.start('openidconnect', signet);
const browser = await launch();
try {
  for (const [name, open] of Object.entries({ ...states, ...logoutStates, ...brandedStates, ...exampleStates })) {
    if (wanted.length && !wanted.includes(name)) continue;
    for (const [look, options] of Object.entries({ ...looks, german: { ...looks.phone, locale: 'de-DE' } })) {
      await withPage(browser, options, async (page) => {
        const take = (suffix) => page.screenshot({ path: path.join(folder, `${name}.${suffix}.png`), fullPage: true });
        await open(page, { ...signet, branded, example, leaver });
        await take(look);
        if (look !== 'phone') return;
        await fromRightToLeft(page);
        await take('right-to-left');
      });
    }
    console.log(name);
  }
} finally {
  await browser.close();
  await example.stop();
  await signet.stop();
}
