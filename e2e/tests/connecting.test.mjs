// The programs that docs/connecting gives people to copy, as the pages show them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { authorizationUrl, redirectUri, verifier } from '../lib/authorization.mjs';
import { launch, signIn, withPage } from '../lib/browser.mjs';
import { Application, blocks, languages, page, register, shownPart, signInAt } from '../lib/connecting.mjs';
import { HttpBrowser } from '../lib/http-browser.mjs';
import { Impostor, clientId, clientSecret } from '../lib/impostor.mjs';
import { root } from '../lib/process.mjs';
import { Signet } from '../lib/signet.mjs';

let signet;
let impostor;
before(async () => { [signet, impostor] = await Promise.all([Signet.start(), Impostor.start()]); });
after(async () => {
  impostor?.stop();
  await signet?.stop();
});

/** The address with another value of one parameter; undefined removes it. */
function changed(address, name, value) {
  const url = new URL(address);
  if (value === undefined) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url.href;
}

function check({ id_token, userinfo }, client) {
  const { email } = signet.facts.user;
  assert.equal(id_token.iss, signet.issuer);
  assert.deepEqual([id_token.aud].flat(), [client.client_id]);
  assert.ok(id_token.sub && id_token.nonce && id_token.auth_time);
  assert.deepEqual([userinfo.sub, userinfo.email], [id_token.sub, email]);
}

for (const language of languages) {
  describe(language, () => {
    let client;
    let application;
    before(async () => {
      client = await register(signet, language);
      application = await Application.start(language, { issuer: signet.issuer, ...client });
    });
    after(() => application?.stop());

    test('the page shows the files that run here', async () => {
      const shown = blocks(await page(language)).filter(({ file }) => file);
      assert.ok(shown.length > 0);
      for (const { file, code } of shown) {
        const text = shownPart(file, await readFile(path.join(root, file), 'utf8'));
        assert.ok(code === text, `${file} and the page differ: e2e/run snippets`);
      }
    });

    test('the page names the versions that run here', async () => {
      const pins = {
        node: ['package-lock.json', (name, version) => `"node_modules/${name}": {\n      "version": "${version}"`],
        python: ['requirements.txt', (name, version) => `\n${name.toLowerCase()}==${version} `],
        go: ['go.mod', (name, version) => `${name} ${version}\n`],
      }[language];
      if (!pins) return; // The page shows the whole Cargo.toml or pom.xml.
      const pinned = await readFile(path.join(root, 'examples', 'connecting', language, pins[0]), 'utf8');
      const named = [...(await page(language)).matchAll(/^(?:npm install|pip install|go get) (.+)$/gm)].flatMap(([, list]) => list.split(' '));
      assert.ok(named.length > 0);
      for (const name of named) assert.ok(pinned.includes(pins[1](...name.split(/==|@/))), `${name} isn't what is installed here`);
    });

    test('a person signs in', async () => {
      const browser = new HttpBrowser();
      const callback = await signInAt(signet, browser, await application.begin(browser));
      check(await application.signedIn(browser, callback), client);
    });

    test('somebody cancels', async () => {
      const browser = new HttpBrowser();
      const state = new URL(await application.begin(browser)).searchParams.get('state');
      const answer = new URLSearchParams({ error: 'access_denied', error_description: 'cancelled', state, iss: signet.issuer });
      assert.match(await application.refused(browser, `${application.url}/callback?${answer}`), /access_denied/);
    });

    test('a tampered answer is refused', async () => {
      const browser = new HttpBrowser();
      for (const [name, value] of [['state', 'another'], ['state', undefined], ['iss', 'https://attacker.example'], ['iss', undefined], ['code', 'another']]) {
        const callback = await signInAt(signet, browser, await application.begin(browser));
        await application.refused(browser, changed(callback, name, value));
      }
    });

    test('an answer in another browser is refused', async () => {
      const browser = new HttpBrowser();
      const callback = await signInAt(signet, browser, await application.begin(browser));
      await application.refused(new HttpBrowser(), callback);
    });

    test('the code of another sign-in is refused', async () => {
      const [victim, attacker] = [new HttpBrowser(), new HttpBrowser()];
      const stolen = new URL(await signInAt(signet, attacker, await application.begin(attacker))).searchParams.get('code');
      const callback = await signInAt(signet, victim, await application.begin(victim));
      assert.match(await application.refused(victim, changed(callback, 'code', stolen)), /invalid_grant/);
    });

    test('an answer works once', async () => {
      const browser = new HttpBrowser();
      const callback = await signInAt(signet, browser, await application.begin(browser));
      await application.signedIn(browser, callback);
      await application.refused(browser, callback);
    });

    test('with a wrong secret nobody signs in', async () => {
      const wrong = await Application.start(language, { issuer: signet.issuer, ...client, client_secret: 'not-the-secret' });
      try {
        const browser = new HttpBrowser();
        const callback = await signInAt(signet, browser, await wrong.begin(browser));
        assert.match(await wrong.refused(browser, callback), /invalid_client|OAUTH_WWW_AUTHENTICATE_CHALLENGE/);
      } finally {
        await wrong.stop();
      }
    });

    test('an ID token that isn’t right is refused', async (t) => {
      const deceived = await Application.start(language, { issuer: impostor.issuer, client_id: clientId, client_secret: clientSecret });
      t.after(() => deceived.stop());
      const attempt = async () => {
        const browser = new HttpBrowser();
        const { location } = await browser.request(await deceived.begin(browser));
        return [browser, location];
      };
      impostor.lie = {};
      assert.equal((await deceived.signedIn(...await attempt())).id_token.sub, 'somebody');
      const past = Math.floor(Date.now() / 1000) - 3600;
      const lies = {
        'signed by a foreign key': { sign: 'a foreign key' },
        'signed by an unknown key': { sign: 'an unknown key' },
        'signed with the client secret': { sign: 'the client secret' },
        'signed by nobody': { sign: 'nobody' },
        'of another issuer': { claims: { iss: 'https://attacker.example' } },
        'for another client': { claims: { aud: 'another' } },
        expired: { claims: { iat: past - 300, exp: past } },
        'of another sign-in': { claims: { nonce: 'another' } },
        'without a nonce': { claims: { nonce: undefined } },
        'with userinfo about somebody else': { sub: 'another' },
        // Core §3.1.3.8 leaves this one to the library.
        ...(language === 'python' && { 'for another access token': { claims: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } } }),
      };
      for (const [what, lie] of Object.entries(lies)) {
        impostor.lie = lie;
        await assert.doesNotReject(async () => deceived.refused(...await attempt()), `an ID token ${what}`);
      }
    });
  });
}

describe('in Chromium', () => {
  let browser;
  before(async () => { browser = await launch(); });
  after(() => browser?.close());

  for (const language of ['node', 'go']) {
    test(`a person signs in to the program in ${language}`, async () => {
      const client = await register(signet, language);
      const application = await Application.start(language, { issuer: signet.issuer, ...client });
      try {
        await withPage(browser, {}, async (visited) => {
          await visited.goto(application.url);
          await visited.click('a');
          await signIn(visited, signet.facts.user);
          await visited.click('#allow');
          await visited.waitForURL((url) => url.origin === application.url);
          check(JSON.parse(await visited.locator('body').innerText()), client);
        });
      } finally {
        await application.stop();
      }
    });
  }
});

describe('when something goes wrong, the overview has what Signet says', () => {
  /** Fails unless one row of a table has all of `texts`. */
  async function listed(...texts) {
    const rows = (await page('README')).split('\n').filter((line) => line.startsWith('|'));
    assert.ok(rows.some((row) => texts.every((text) => row.includes(`\`${text}\``))), texts.join(': '));
  }

  for (const [what, changes] of Object.entries({
    'an unknown client': { client_id: 'nobody' },
    'an unknown redirect URI': { redirect_uri: 'https://attacker.example/callback' },
    'no redirect URI': { redirect_uri: undefined },
  })) {
    test(`on a page: ${what}`, async () => {
      const { status, text } = await new HttpBrowser().request(authorizationUrl(signet.facts, changes));
      assert.equal(status, 400);
      const details = text.replaceAll(/<[^>]*>/g, ' ').match(/Details\s+(.*?)\s+Reference/)[1];
      await listed(details);
    });
  }

  for (const [what, changes] of Object.entries({
    'no PKCE': { code_challenge: undefined, code_challenge_method: undefined },
    'the plain method': { code_challenge_method: 'plain' },
    'the implicit flow': { response_type: 'id_token' },
    'nobody signed in': { prompt: 'none' },
  })) {
    test(`at the callback: ${what}`, async () => {
      const { location } = await new HttpBrowser().request(authorizationUrl(signet.facts, changes));
      const answer = new URL(location).searchParams;
      await listed(answer.get('error'), answer.get('error_description'));
    });
  }

  const named = () => ({ client_id: signet.facts.browser_client.client_id });
  const secret = () => ({ client_secret: signet.facts.browser_client.client_secret });
  for (const [what, parameters, basic] of [
    ['a wrong secret', () => ({ ...named(), client_secret: 'wrong' })],
    ['no client', () => ({})],
    ['a code that isn’t one', () => ({ ...named(), ...secret() })],
    ['two ways at once', () => ({ ...named(), ...secret() }), true],
    ['another grant type', () => ({ ...named(), ...secret(), grant_type: 'client_credentials' })],
  ]) {
    test(`at the token endpoint: ${what}`, async () => {
      const { client_id, client_secret } = signet.facts.browser_client;
      const headers = basic ? { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` } : {};
      const common = { grant_type: 'authorization_code', code: 'a-code', redirect_uri: redirectUri, code_verifier: verifier };
      const response = await fetch(`${signet.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams({ ...common, ...parameters() }) });
      const { error, error_description } = await response.json();
      await listed(error, error_description);
    });
  }

  test('at userinfo: a token that isn’t one', async () => {
    const response = await fetch(`${signet.issuer}/userinfo`, { headers: { authorization: 'Bearer a' } });
    const { error, error_description } = await response.json();
    await listed(error, error_description);
  });
});
