// Applications that keep their users signed in and hear of logouts: e2e/relying-parties/logout_app.mjs.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { signIn } from './browser.mjs';
import { Program, answers, freePort, root } from './process.mjs';

/** What each channel needs to be registered. */
const channels = {
  front: (base) => ['--frontchannel-logout-uri', `${base}/frontchannel`],
  back: (base) => ['--backchannel-logout-uri', `${base}/backchannel`],
  'session management': () => [],
};

/** A running application of a tenant's. */
export class Application {
  /** Registers an application that hears by this channel, and starts it. */
  static async start(signet, tenant, name, channel) {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const slug = new URL(tenant.issuer).pathname.split('/').pop() || 'default';
    const about = [name, '--tenant', slug, '--redirect-uri', `${base}/callback`, '--post-logout-redirect-uri', `${base}/bye`];
    const client = await signet.cli('client', 'create', ...about, '--client-uri', `${base}/`, '--implied-consent', ...channels[channel](base));
    const facts = path.join(signet.data, `${client.client_id}.json`);
    await writeFile(facts, JSON.stringify({ issuer: tenant.issuer, ...client }));
    const program = new Program(process.execPath, [path.join(root, 'e2e', 'relying-parties', 'logout_app.mjs'), facts, String(port)]);
    await program.until(() => answers(`${base}/`));
    return new Application(base, program, client);
  }

  constructor(url, program, client) {
    Object.assign(this, { url, program, client });
  }

  /** What it says of who is signed in. */
  async state(page) {
    await page.goto(`${this.url}/`);
    return page.locator('#state').innerText();
  }

  /** Signs in; asks for the password where the provider does. */
  async signIn(page, person) {
    await page.goto(`${this.url}/login`);
    if (!page.url().startsWith(this.url)) {
      await signIn(page, person);
      await page.waitForURL((url) => url.href.startsWith(this.url));
    }
    return page.locator('#state').innerText();
  }

  /** Its session of this browser. */
  async session(page) {
    return (await page.request.get(`${this.url}/session`)).json();
  }

  /** What it has heard. */
  async heard() {
    return (await fetch(`${this.url}/heard`)).json();
  }

  /** Whether it takes logout tokens. */
  async hearing(on) {
    await fetch(`${this.url}/hearing?on=${on}`);
  }

  stop() { return this.program.stop(); }
}
