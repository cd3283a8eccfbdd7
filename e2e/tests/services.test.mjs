// Services get tokens of their own, and verify them by the published keys.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { RelyingParty } from '../lib/relying-parties.mjs';
import { Signet } from '../lib/signet.mjs';

let signet;
before(async () => { signet = await Signet.start(); });
after(() => signet?.stop());

/** What the token of a service says (S1's M2M token and RFC 9068). */
function check(claims, { client_id } = signet.facts.service_client) {
  assert.equal(claims.iss, signet.issuer);
  assert.equal(claims.aud, 'services');
  assert.deepEqual(claims.roles, ['service']);
  assert.equal(claims.tid, '00000000-0000-0000-0000-000000000000');
  assert.equal(claims.client_id, client_id);
  assert.equal(claims.sub, client_id);
  assert.equal(claims.exp - claims.iat, 300);
}

for (const library of ['openid-client', 'Authlib']) {
  test(`${library} gets a token by client_credentials and verifies it`, async () => {
    const party = await RelyingParty.start(library, signet);
    try {
      const html = await (await fetch(`${party.url}/service`)).text();
      const text = html.match(/<pre id=result>(.*)<\/pre>/s)[1];
      check(JSON.parse(text).access_token);
    } finally {
      await party.stop();
    }
  });
}

/** A token request that names the client in one of the two ways of RFC 6749 §2.3.1. */
function askForToken(path, { client_id, client_secret }, method) {
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const headers = {};
  if (method === 'client_secret_post') {
    body.set('client_id', client_id);
    body.set('client_secret', client_secret);
  } else {
    headers.authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  }
  return fetch(`${signet.url}${path}`, { method: 'POST', headers, body });
}

for (const method of ['client_secret_basic', 'client_secret_post']) {
  for (const [path, keys] of [['/token', '/jwks'], ['/v1/auth/m2m/token', '/.well-known/jwks.json']]) {
    test(`a token from ${path} by ${method} verifies by ${keys}`, async () => {
      const client = await signet.cli('client', 'create', 'Robot', '--grant', 'client_credentials', '--auth-method', method);
      const response = await askForToken(path, client, method);
      assert.equal(response.status, 200, await response.clone().text());
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const { access_token, token_type, expires_in } = await response.json();
      assert.equal(token_type.toLowerCase(), 'bearer');
      assert.equal(expires_in, 300);
      const { payload } = await jwtVerify(access_token, createRemoteJWKSet(new URL(`${signet.url}${keys}`)), {
        issuer: signet.issuer, audience: 'services', typ: 'at+jwt', algorithms: ['RS256'],
      });
      check(payload, client);
    });
  }
}

test('a client that was switched off gets no more tokens', async () => {
  const client = await signet.cli('client', 'create', 'Robot', '--grant', 'client_credentials');
  assert.equal((await askForToken('/token', client)).status, 200);
  await signet.cli('client', 'disable', client.client_id);
  const began = Date.now();
  let response;
  do response = await askForToken('/token', client); while (response.status === 200 && Date.now() - began < 3_000);
  assert.equal(response.status, 401);
  assert.equal((await response.json()).error, 'invalid_client');
});
