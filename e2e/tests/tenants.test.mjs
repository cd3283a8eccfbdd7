// Nothing of one tenant works in another: sessions, consent, codes, tokens, keys, clients, people.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { agree, answerTo, authorizationUrl, redeem } from '../lib/authorization.mjs';
import { alertOf, signIn, visibleText } from '../lib/browser.mjs';
import { inBrowser, signet } from '../lib/stage.mjs';

let acme;
before(async () => { acme = await signet.tenant('acme'); });

/** Signs in at the tenant of `facts`, with consent where it is asked for; answers with what the client hears. */
async function authorize(page, facts, person) {
  return answerTo(page, async () => {
    await page.goto(authorizationUrl(facts));
    await signIn(page, person);
    await agree(page);
  });
}

test('a tenant has an issuer, endpoints and keys of its own', async () => {
  assert.equal(acme.issuer, `${signet.issuer}/t/acme`);
  const read = async (url) => (await fetch(url)).json();
  const ours = await read(`${acme.issuer}/.well-known/openid-configuration`);
  assert.equal(ours.issuer, acme.issuer);
  for (const [name, value] of Object.entries(ours)) {
    if (name.endsWith('_endpoint') || name === 'jwks_uri') assert.ok(value.startsWith(`${acme.issuer}/`), `${name}: ${value}`);
  }
  for (const form of ['openid-configuration', 'oauth-authorization-server']) {
    assert.equal((await read(`${signet.url}/.well-known/${form}/t/acme`)).issuer, acme.issuer);
  }
  const kids = async (facts) => (await read(`${facts.issuer}/jwks`)).keys.map(({ kid }) => kid);
  const theirs = await kids(signet.facts);
  assert.ok((await kids(acme)).every((kid) => !theirs.includes(kid)));
});

test('a session at one tenant isn’t one at the other', inBrowser({}, async (page) => {
  assert.ok((await authorize(page, signet.facts, signet.facts.user)).code);
  await page.goto(authorizationUrl(acme));
  assert.equal(await page.locator('#password').count(), 1, 'the form is shown');
  assert.ok(page.url().startsWith(`${acme.issuer}/login`));
}));

test('one can be signed in at both, as two people', inBrowser({}, async (page) => {
  const answers = [];
  for (const facts of [signet.facts, acme]) {
    const { code, iss } = await authorize(page, facts, facts.user);
    assert.equal(iss, facts.issuer);
    const { access_token } = await (await redeem(facts, code)).json();
    answers.push(await (await fetch(`${facts.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })).json());
  }
  assert.notEqual(answers[0].sub, answers[1].sub);
  assert.equal(answers[0].email, signet.facts.user.email);
  assert.equal(answers[1].email, acme.user.email);
}));

test('a person of one tenant is nobody in the other', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(acme));
  await signIn(page, signet.facts.admin);
  assert.match(await (await alertOf(page)).innerText(), /isn’t right/);
}));

test('a client of one tenant is nobody in the other', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl({ ...acme, browser_client: signet.facts.browser_client }));
  assert.match(await visibleText(page), /client_id/);
  const { client_id, client_secret } = signet.facts.service_client;
  const response = await fetch(`${acme.issuer}/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
  });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).error, 'invalid_client');
}));

test('a code of one tenant is refused by the other, whoever brings it', inBrowser({}, async (page) => {
  const { code } = await authorize(page, acme, acme.user);
  assert.equal((await redeem(signet.facts, code)).status, 400);
  assert.equal((await redeem({ ...signet.facts, browser_client: acme.browser_client }, code)).status, 401);
  assert.equal((await redeem({ ...acme, browser_client: signet.facts.browser_client }, code)).status, 401);
}));

test('a token of one tenant is refused by the other', inBrowser({}, async (page) => {
  const { code } = await authorize(page, acme, acme.user);
  const { access_token } = await (await redeem(acme, code)).json();
  const userinfo = (facts) => fetch(`${facts.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal((await userinfo(acme)).status, 200);
  assert.equal((await userinfo(signet.facts)).status, 401);
  const verify = (facts) => jwtVerify(access_token, createRemoteJWKSet(new URL(`${facts.issuer}/jwks`)), { issuer: facts.issuer });
  assert.equal((await verify(acme)).payload.tid, acme.tenant_id);
  await assert.rejects(verify(signet.facts));
}));

test('a sign-in that began at one tenant can’t be finished at the other', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(acme));
  const flow = new URL(page.url()).searchParams.get('flow');
  const response = await page.goto(`${signet.issuer}/login?flow=${flow}`);
  assert.ok(response.status() >= 400 && response.status() < 500);
  assert.equal(await page.locator('#password').count(), 0);
}));

test('a suspended tenant signs nobody in, and the other goes on', async () => {
  await signet.cli('tenant', 'suspend', 'acme');
  const began = Date.now();
  let response;
  do {
    response = await fetch(authorizationUrl(acme), { redirect: 'manual' });
  } while (response.status === 303 && Date.now() - began < 5_000);
  assert.ok(response.status >= 400 && response.status < 500, String(response.status));
  assert.equal((await fetch(authorizationUrl(signet.facts), { redirect: 'manual' })).status, 303);
});
