// The server is killed between any two steps of a sign-in, as by a power cut, and started again on the same data.
// The sign-in goes on or fails cleanly, and no code works twice. On SQLite and on PostgreSQL.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { authorizationUrl, redeem, redirectUri, registeredRedirectUri } from '../lib/authorization.mjs';
import { Application } from '../lib/logout.mjs';
import { HttpBrowser } from '../lib/http-browser.mjs';
import { Postgres } from '../lib/postgres.mjs';
import { Signet } from '../lib/signet.mjs';

/** The steps of a sign-in. Each takes what the ones before it left in `it`. */
const steps = {
  'the authorization request': async (it) => {
    const answer = await it.browser.request(authorizationUrl(it.signet.facts, { prompt: 'consent', ...it.ask }));
    assert.equal(answer.status, 303, answer.text);
    it.url = answer.location;
  },
  'the sign-in page': async (it) => {
    const answer = await it.browser.request(it.url);
    assert.equal(answer.status, 200);
    it.form = HttpBrowser.form(answer, it.url);
  },
  'the password': async (it) => {
    const { email, password } = it.signet.facts.user;
    const answer = await it.browser.request(it.form.action, { ...it.form.fields, email, password });
    assert.equal(answer.status, 303, answer.text);
    it.url = answer.location;
  },
  'the consent page': async (it) => {
    const answer = await it.browser.request(it.url);
    assert.equal(answer.status, 200);
    it.form = HttpBrowser.form(answer, it.url);
  },
  consent: async (it) => {
    const answer = await it.browser.request(it.form.action, { ...it.form.fields, decision: 'allow' });
    assert.equal(answer.status, 303, answer.text);
    assert.ok(answer.location.startsWith(redirectUri), answer.location);
    it.code = new URL(answer.location).searchParams.get('code');
  },
  'the token request': async (it) => {
    const response = await redeem(it.signet.facts, it.code);
    assert.equal(response.status, 200);
    it.tokens = await response.json();
  },
  userinfo: async (it) => {
    const response = await fetch(`${it.signet.issuer}/userinfo`, { headers: { authorization: `Bearer ${it.tokens.access_token}` } });
    assert.equal(response.status, 200);
    assert.equal((await response.json()).email, it.signet.facts.user.email);
  },
};

const names = Object.keys(steps);

/** Runs the named steps of a sign-in, in order. */
async function take(it, chosen) {
  for (const name of chosen) await steps[name](it);
  return it;
}

const begin = (signet) => ({ signet, browser: new HttpBrowser() });

async function refused(signet, code) {
  const response = await redeem(signet.facts, code);
  assert.equal(response.status, 400);
  assert.equal((await response.json()).error, 'invalid_grant');
}

for (const kind of ['SQLite', 'PostgreSQL']) {
  describe(kind, () => {
    let signet;
    let postgres;
    before(async () => {
      if (kind === 'PostgreSQL') postgres = await Postgres.start();
      signet = await Signet.start({ databaseUrl: postgres?.url });
    });
    after(async () => {
      await signet?.stop();
      await postgres?.stop();
    });

    for (let done = 1; done < names.length; done += 1) {
      test(`killed after ${names[done - 1]}, the sign-in goes on`, async () => {
        const it = await take(begin(signet), names.slice(0, done));
        await signet.crash();
        await take(it, names.slice(done));
        await refused(signet, it.code);
      });
    }

    test('a code that was used stays used', async () => {
      const it = await take(begin(signet), names.slice(0, names.indexOf('userinfo')));
      await signet.crash();
      await refused(signet, it.code);
      await signet.crash();
      await refused(signet, it.code);
    });

    test('killed while it redeems a code, it never honours the code twice', async () => {
      for (const delay of [0, 2, 4, 8, 16]) {
        const it = await take(begin(signet), names.slice(0, names.indexOf('the token request')));
        const first = redeem(signet.facts, it.code).then((response) => response.status, () => 'no answer');
        await sleep(delay);
        await signet.crash();
        const answers = [await first];
        for (let i = 0; i < 3; i += 1) answers.push((await redeem(signet.facts, it.code)).status);
        assert.ok(answers.filter((status) => status === 200).length <= 1, `after ${delay} ms: ${answers}`);
        assert.equal(answers.at(-1), 400);
        assert.ok(answers.every((status) => [200, 400, 'no answer'].includes(status)), `after ${delay} ms: ${answers}`);
      }
    });

    test('50 parallel redemptions of one code: one success', async () => {
      const { code } = await take(begin(signet), names.slice(0, names.indexOf('the token request')));
      const responses = await Promise.all(Array.from({ length: 50 }, () => redeem(signet.facts, code)));
      const statuses = responses.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 1, String(statuses));
      assert.equal(statuses.filter((status) => status === 400).length, 49, String(statuses));
    });

    test('a refresh token that was spent stays spent, and its theft ends the family', async () => {
      const scope = 'openid profile email offline_access';
      const registration = ['--redirect-uri', registeredRedirectUri, '--grant', 'authorization_code', '--grant', 'refresh_token', '--scope', scope];
      const client = await signet.cli('client', 'create', 'Desk', ...registration);
      const desk = { issuer: signet.issuer, facts: { ...signet.facts, browser_client: client } };
      const it = await take({ ...begin(desk), ask: { scope } }, names.slice(0, names.indexOf('userinfo')));
      const spend = async (refresh_token) => {
        const changes = { grant_type: 'refresh_token', refresh_token };
        const response = await redeem(desk.facts, '', changes);
        return { status: response.status, ...(await response.json()) };
      };
      const first = it.tokens.refresh_token;
      const second = await spend(first);
      assert.equal(second.status, 200);
      await signet.crash();
      // The answer may have been lost with the server: within the grace it is the same one, and no other.
      const again = await spend(first);
      assert.deepEqual([again.status, again.refresh_token], [200, second.refresh_token]);
      const third = await spend(second.refresh_token);
      assert.equal(third.status, 200);
      await signet.crash();
      for (const token of [first, third.refresh_token]) {
        const refusal = await spend(token);
        assert.deepEqual([refusal.status, refusal.error], [400, 'invalid_grant']);
      }
      await signet.crash();
      assert.equal((await spend(third.refresh_token)).status, 400);
    });

    test("an app's refresh token that was spent stays spent, and its theft ends the session's tokens", async () => {
      const { email, password } = signet.facts.user;
      const post = async (path, body, headers = {}) => {
        const response = await fetch(`${signet.issuer}/v1/auth/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        });
        return { status: response.status, ...(await response.json()) };
      };
      const spend = (refresh_token) => post('refresh', { refresh_token });
      const first = await post('login', { email, password });
      assert.equal(first.status, 200);
      const second = await spend(first.refresh_token);
      assert.equal(second.status, 200);
      await signet.crash();
      const again = await spend(first.refresh_token);
      assert.deepEqual([again.status, again.refresh_token], [200, second.refresh_token]);
      const third = await spend(second.refresh_token);
      assert.equal(third.status, 200);
      await signet.crash();
      assert.equal((await spend(first.refresh_token)).status, 401);
      await signet.crash();
      assert.equal((await spend(third.refresh_token)).status, 401);
      const me = await fetch(`${signet.issuer}/v1/auth/me`, { headers: { authorization: `Bearer ${third.token}` } });
      assert.equal(me.status, 401);
    });

    test('a logout token that waits is delivered after a kill', async () => {
      const application = await Application.start(signet, signet, 'Leaver', 'back');
      try {
        const facts = { ...signet.facts, browser_client: application.client };
        const it = await take({ ...begin({ issuer: signet.issuer, facts }), ask: { prompt: undefined, redirect_uri: `${application.url}/callback` } }, names.slice(0, 3));
        // Consent is implied; the code isn't needed.
        assert.ok(it.url.startsWith(application.url), it.url);
        // The application doesn't take it, and then the server is gone.
        await application.hearing(false);
        const asked = await it.browser.request(`${signet.issuer}/logout`);
        const form = HttpBrowser.form(asked, `${signet.issuer}/logout`);
        const answer = await it.browser.request(form.action, { ...form.fields, decision: 'yes' });
        assert.ok([200, 303].includes(answer.status), answer.text);
        await signet.program.stop('SIGKILL');
        await application.hearing(true);
        assert.deepEqual(await application.heard(), []);
        await signet.up();
        await application.program.until(async () => (await application.heard()).length > 0, 60_000);
        const [{ channel, sid }] = await application.heard();
        assert.deepEqual([channel, typeof sid], ['back', 'string']);
      } finally {
        await application.stop();
      }
    });

    test('SIGTERM ends it in order', async () => {
      assert.equal(await signet.program.stop(), 0);
      await signet.up();
    });
  });
}
