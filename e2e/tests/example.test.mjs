// What the example application refuses to believe.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RelyingParty } from '../lib/relying-parties.mjs';
import { Signet } from '../lib/signet.mjs';

let signet;
let example;
before(async () => {
  signet = await Signet.start();
  example = await RelyingParty.start('openidconnect', signet);
});
after(async () => {
  await example?.stop();
  await signet?.stop();
});

/** Begins a sign-in; answers with its cookie and its state. */
async function begin() {
  const response = await fetch(`${example.url}/login`, { redirect: 'manual' });
  assert.equal(response.status, 303);
  return {
    cookie: response.headers.get('set-cookie').split(';')[0],
    state: new URL(response.headers.get('location')).searchParams.get('state'),
  };
}

/** Comes back with an answer; reads the error that the page names. */
async function comeBack(cookie, answer) {
  const response = await fetch(`${example.url}/callback?${new URLSearchParams(answer)}`, { headers: { cookie }, redirect: 'manual' });
  const error = (await response.text()).match(/<code id="error">([^<]*)/)?.[1];
  return [response.status, error];
}

test('an answer in a browser that began nothing', async () => {
  const { state } = await begin();
  assert.deepEqual(await comeBack('', { code: 'a', state, iss: signet.issuer }), [400, 'state']);
});

test('an answer with another state', async () => {
  const { cookie } = await begin();
  assert.deepEqual(await comeBack(cookie, { code: 'a', state: 'another', iss: signet.issuer }), [400, 'state']);
});

test('an answer from another provider, or from nobody', async () => {
  for (const iss of [{ iss: 'https://attacker.example' }, {}]) {
    const { cookie, state } = await begin();
    assert.deepEqual(await comeBack(cookie, { code: 'a', state, ...iss }), [400, 'iss']);
  }
});

test('a code that isn’t one', async () => {
  const { cookie, state } = await begin();
  assert.deepEqual(await comeBack(cookie, { code: 'a', state, iss: signet.issuer }), [502, 'provider']);
});

test('the same answer twice', async () => {
  const { cookie, state } = await begin();
  const answer = { error: 'access_denied', state, iss: signet.issuer };
  assert.deepEqual(await comeBack(cookie, answer), [400, 'access_denied']);
  assert.deepEqual(await comeBack(cookie, answer), [400, 'state']);
});
