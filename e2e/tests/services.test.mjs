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
function check(claims) {
  assert.equal(claims.iss, signet.issuer);
  assert.equal(claims.aud, 'services');
  assert.deepEqual(claims.roles, ['service']);
  assert.equal(claims.tid, '00000000-0000-0000-0000-000000000000');
  assert.equal(claims.client_id, signet.facts.service_client.client_id);
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

for (const path of ['/token', '/v1/auth/m2m/token']) {
  for (const keys of ['/jwks', '/.well-known/jwks.json']) {
    test(`a token from ${path} verifies by ${keys}`, async () => {
      const { client_id, client_secret } = signet.facts.service_client;
      const response = await fetch(`${signet.url}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const { access_token, token_type, expires_in } = await response.json();
      assert.equal(token_type.toLowerCase(), 'bearer');
      assert.equal(expires_in, 300);
      const { payload } = await jwtVerify(access_token, createRemoteJWKSet(new URL(`${signet.url}${keys}`)), {
        issuer: signet.issuer, audience: 'services', typ: 'at+jwt', algorithms: ['RS256'],
      });
      check(payload);
    });
  }
}
