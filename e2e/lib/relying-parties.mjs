// The applications that people sign in to in these tests, each on a library that others wrote.
import path from 'node:path';
import { Program, answers, built, freePort, root } from './process.mjs';

const apps = path.join(root, 'e2e', 'relying-parties');

/** What `openid_client_app.mjs` and `authlib_app.py` show: one JSON object. */
const resultObject = async (page) => JSON.parse(await page.locator('#result').innerText());

/** What `examples/relying-party` shows: a table for each source, or an error code. */
async function exampleTables(page) {
  if (await page.locator('#error').count()) return { error: await page.locator('#error').innerText() };
  const table = (id) => page.locator(`#${id} tr`).evaluateAll((rows) => Object.fromEntries(rows.map((row) => {
    const text = row.querySelector('td').innerText;
    let value = text;
    try { value = JSON.parse(text); } catch { /* a plain string */ }
    return [row.querySelector('th').innerText, value];
  })));
  return { id_token: await table('id-token'), userinfo: await table('userinfo') };
}

const kinds = {
  'openid-client': {
    command: (facts, port) => [process.execPath, [path.join(apps, 'openid_client_app.mjs'), facts, port]],
    result: resultObject,
  },
  Authlib: {
    command: (facts, port) => [path.join(root, 'e2e', '.venv', 'bin', 'python'), [path.join(apps, 'authlib_app.py'), facts, port]],
    result: resultObject,
  },
  openidconnect: {
    command: (facts, port) => [built('relying-party'), ['--dev-json', facts, '--listen', `127.0.0.1:${port}`]],
    result: exampleTables,
  },
};

/** The libraries' names. */
export const libraries = Object.keys(kinds);

/** A running application of one of these kinds. */
export class RelyingParty {
  static async start(library, signet) {
    const port = await freePort();
    const [command, args] = kinds[library].command(path.join(signet.data, 'dev.json'), String(port));
    const program = new Program(command, args);
    const party = new RelyingParty(`http://127.0.0.1:${port}`, program, kinds[library].result);
    await program.until(() => answers(`${party.url}/`));
    return party;
  }

  constructor(url, program, result) {
    this.url = url;
    this.program = program;
    this.readResult = result;
  }

  /** Waits until the browser is back at this application, then reads what it says. */
  async result(page) {
    await page.waitForURL((url) => url.origin === this.url);
    return this.readResult(page);
  }

  stop() { return this.program.stop(); }
}
