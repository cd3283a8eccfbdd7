// Clients that others wrote, unchanged, against Signet in a real browser.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signIn, visibleText } from '../lib/browser.mjs';
import { RelyingParty, libraries } from '../lib/relying-parties.mjs';
import { inBrowser, signet } from '../lib/stage.mjs';

for (const library of libraries) {
  describe(library, () => {
    let party;
    before(async () => { party = await RelyingParty.start(library, signet); });
    after(() => party?.stop());

    test('signs a person in, who stays signed in', inBrowser({}, async (page) => {
      await page.goto(`${party.url}/login`);
      assert.match(page.url(), new RegExp(`^${signet.url}/login\\?flow=`));
      assert.match(await visibleText(page), /Sign in/);
      await signIn(page, signet.facts.user);

      // Another library may have been here before: consent is given to a client, not to a library.
      await page.waitForURL((url) => url.pathname === '/consent' || url.origin === party.url);
      if (new URL(page.url()).pathname === '/consent') await page.click('#allow');
      const first = await party.result(page);
      check(first);

      const shown = [];
      page.on('framenavigated', (frame) => shown.push(frame.url()));
      await page.goto(`${party.url}/login`);
      const second = await party.result(page);
      check(second);
      assert.equal(second.id_token.sub, first.id_token.sub);
      assert.equal(second.id_token.auth_time, first.id_token.auth_time, 'nobody typed a password in between');
      assert.deepEqual(shown.filter((url) => url.startsWith(signet.url)), [], 'neither form is shown again');
    }));

    test('hears access_denied when the person cancels', inBrowser({}, async (page) => {
      await page.goto(`${party.url}/login`);
      await page.click('#cancel');
      assert.equal((await party.result(page)).error, 'access_denied');
    }));

    test('hears access_denied when the person refuses consent', inBrowser({}, async (page) => {
      await page.goto(`${party.url}/login`);
      await signIn(page, signet.facts.admin);
      await page.waitForURL((url) => url.pathname === '/consent');
      await page.click('#deny');
      assert.equal((await party.result(page)).error, 'access_denied');
    }));
  });
}

/** What every library must have got for the demo user, verified by itself. */
function check({ id_token, userinfo, access_token }) {
  const { client_id } = signet.facts.browser_client;
  assert.equal(id_token.iss, signet.issuer);
  assert.deepEqual([id_token.aud].flat(), [client_id]);
  assert.ok(id_token.sub && id_token.nonce && id_token.auth_time);
  assert.equal(id_token.email, undefined, 'with a code, scope claims come from userinfo');
  assert.equal(userinfo.sub, id_token.sub);
  assert.equal(userinfo.email, signet.facts.user.email);
  if (!access_token) return; // The openidconnect crate checks it by at_hash and by using it.
  assert.equal(access_token.iss, signet.issuer);
  assert.equal(access_token.sub, id_token.sub);
  assert.equal(access_token.tid, '00000000-0000-0000-0000-000000000000');
  assert.equal(access_token.email, signet.facts.user.email);
  assert.equal(access_token.client_id, client_id);
  assert.deepEqual(access_token.scope.split(' ').sort(), ['email', 'openid', 'profile']);
  assert.ok(Array.isArray(access_token.roles));
  assert.ok(access_token.exp > access_token.iat && access_token.jti && access_token.sid);
}
