// The first-party API, by the runbook of old (`login` → `me` → `refresh` → `logout`) and by curl; the cookie in a browser.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withPage } from '../lib/browser.mjs';
import { browser, inBrowser, signet } from '../lib/stage.mjs';

const run = promisify(execFile);

const at = (path) => `${signet.issuer}/v1/auth/${path}`;

/** Posts JSON. */
const post = (path, body, headers = {}) => fetch(at(path), {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body),
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });

test('the runbook of old runs unchanged', async () => {
  const { email, password } = signet.facts.user;
  const { stdout } = await run('curl', [
    '-sS', '--fail', at('login'), '-H', 'content-type: application/json', '-d', JSON.stringify({ email, password }),
  ]);
  const login = JSON.parse(stdout);
  assert.equal(login.token, login.access_token);
  const me = await fetch(at('me'), { headers: bearer(login.token) });
  assert.equal((await me.json()).email, email);
  const refreshed = await post('refresh', { refresh_token: login.refresh_token });
  assert.equal(refreshed.status, 200);
  const next = await refreshed.json();
  const logout = await fetch(at('logout'), { method: 'POST', headers: bearer(next.token) });
  assert.equal(logout.status, 204);
  for (const { token } of [login, next]) assert.equal((await fetch(at('me'), { headers: bearer(token) })).status, 401);
  assert.equal((await post('refresh', { refresh_token: next.refresh_token })).status, 401);
});

test('an account is made, and its sessions are seen and ended', async () => {
  const account = { email: 'grace@example.com', name: 'Grace Hopper', password: 'six words that make no sense' };
  const made = await post('register', account);
  assert.equal(made.status, 201);
  const first = await made.json();
  const second = await (await post('login', { email: account.email, password: account.password })).json();
  const { sessions } = await (await fetch(at('sessions'), { headers: bearer(first.token) })).json();
  assert.equal(sessions.length, 2);
  const other = sessions.find(({ current }) => !current);
  const ended = await fetch(at(`sessions/${other.id}`), { method: 'DELETE', headers: bearer(first.token) });
  assert.equal(ended.status, 204);
  assert.equal((await fetch(at('me'), { headers: bearer(second.token) })).status, 401);
  assert.equal((await fetch(at('activity'), { method: 'POST', headers: bearer(first.token) })).status, 200);
});

/** Signs in with a cookie, goes on with it and signs out, in a script of the page; the statuses, and what the script sees. */
const session = async ([issuer, credentials]) => {
  const call = (path, body) => fetch(`${issuer}/v1/auth/${path}`, {
    method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const login = await call('login', { ...credentials, cookie: true });
  const body = await login.json();
  const others = [await call('refresh', {}), await call('logout', {}), await call('refresh', {})];
  return { token: body.refresh_token, cookies: document.cookie, statuses: [login, ...others].map(({ status }) => status) };
};

test('an app at the issuer’s origin goes on with a cookie that its scripts never see', inBrowser({}, async (page) => {
  await page.route(`${signet.issuer}/app`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>App</title>' }));
  await page.goto(`${signet.issuer}/app`);
  const { email, password } = signet.facts.user;
  const { token, cookies, statuses } = await page.evaluate(session, [signet.issuer, { email, password }]);
  assert.equal(token, undefined);
  assert.equal(cookies, '');
  // The last without a cookie: it is gone.
  assert.deepEqual(statuses, [200, 200, 204, 400]);
}));

/** Signs in with a cookie, goes on with it and signs out; the statuses, or the name of the error. */
const elsewhere = async ([issuer, credentials]) => {
  const call = (path, body) => fetch(`${issuer}/v1/auth/${path}`, {
    method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const app = { client_id: credentials.client_id };
  const statuses = [];
  try {
    for (const [path, body] of [['login', { ...credentials, cookie: true }], ['refresh', app], ['logout', app]]) {
      statuses.push((await call(path, body)).status);
    }
    return statuses;
  } catch (error) {
    return error.name;
  }
};

/** A site that has a page and nothing else. */
async function site() {
  const server = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>App</title>'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: server.address().port };
}

test('an app at an origin of its own goes on with a cookie, if it registered it; any other is told nothing', async () => {
  const [own, other] = [await site(), await site()];
  const registration = ['--grant', 'refresh_token', '--auth-method', 'none', '--implied-consent', '--scope', 'openid email'];
  const origin = `http://127.0.0.1:${own.port}`;
  const { client_id } = await signet.cli('client', 'create', 'Our app', '--id', 'our-app', ...registration, '--allowed-origin', origin);
  const { email, password } = signet.facts.user;
  const cases = [[origin, [200, 200, 204]], [`http://127.0.0.1:${other.port}`, 'TypeError'], [`http://localhost:${own.port}`, 'TypeError']];
  for (const [from, expected] of cases) {
    // Not `withPage`: the browser complains of what it is to stop.
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(`${from}/`);
      assert.deepEqual(await page.evaluate(elsewhere, [signet.issuer, { email, password, client_id }]), expected, from);
    } finally {
      await context.close();
    }
  }
  for (const { server } of [own, other]) server.close();
});

test('a script of another origin gets nothing', async () => {
  const preflight = await fetch(at('login'), {
    method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  const { email, password } = signet.facts.user;
  const planted = await post('login', { email, password, cookie: true }, { origin: 'https://app.example' });
  assert.deepEqual([planted.status, planted.headers.get('set-cookie')], [403, null]);
  assert.equal(planted.headers.get('access-control-allow-origin'), null);
  const login = await post('login', { email, password, cookie: true }, { origin: new URL(signet.issuer).origin });
  const cookie = login.headers.get('set-cookie').split(';')[0];
  assert.equal((await post('refresh', {}, { cookie, origin: 'https://app.example' })).status, 403);
});
