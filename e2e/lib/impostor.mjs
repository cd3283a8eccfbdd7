// A provider that signs everybody in and lies: for what a relying party must refuse to believe.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';

export const clientId = 'the-client';
export const clientSecret = 'a-secret-of-thirty-two-characters-or-more';

const hash = (token) => createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');

export class Impostor {
  /** What is wrong with the next ID token: `claims` replaced, `sign` for another way to sign, `sub` of userinfo. */
  lie = {};
  #nonce;

  static async start() {
    const impostor = new Impostor();
    [impostor.keys, impostor.foreign] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
    impostor.server = createServer((request, response) => impostor.#answer(request, response)).listen(0, '127.0.0.1');
    await once(impostor.server, 'listening');
    impostor.issuer = `http://127.0.0.1:${impostor.server.address().port}`;
    return impostor;
  }

  /** The ways to sign an ID token. */
  ways = {
    right: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(this.keys.privateKey),
    'a foreign key': (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(this.foreign.privateKey),
    'an unknown key': (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'b' }).sign(this.foreign.privateKey),
    'the client secret': (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(clientSecret)),
    nobody: async (claims) => new UnsecuredJWT(claims).encode(),
  };

  async #answer(request, response) {
    const url = new URL(request.url, this.issuer);
    const json = (value) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    switch (url.pathname) {
      case '/.well-known/openid-configuration': return json(this.#metadata());
      case '/jwks': return json({ keys: [{ ...await exportJWK(this.keys.publicKey), kid: 'a', alg: 'RS256', use: 'sig' }] });
      case '/userinfo': return json({ sub: this.lie.sub ?? 'somebody', email: 'somebody@example.com' });
      case '/token': return json(await this.#tokens());
      case '/authorize': {
        this.#nonce = url.searchParams.get('nonce');
        const back = new URL(url.searchParams.get('redirect_uri'));
        back.search = new URLSearchParams({ code: 'a-code', state: url.searchParams.get('state'), iss: this.issuer });
        return response.writeHead(303, { location: back.href }).end();
      }
      default: return response.writeHead(404).end();
    }
  }

  #metadata() {
    const at = (name) => `${this.issuer}/${name}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('authorize'),
      token_endpoint: at('token'),
      userinfo_endpoint: at('userinfo'),
      jwks_uri: at('jwks'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  async #tokens() {
    const now = Math.floor(Date.now() / 1000);
    const access_token = 'an-access-token';
    const claims = {
      iss: this.issuer, aud: clientId, sub: 'somebody', iat: now, exp: now + 300, auth_time: now, nonce: this.#nonce,
      at_hash: hash(access_token), ...this.lie.claims,
    };
    const id_token = await this.ways[this.lie.sign ?? 'right'](claims);
    return { access_token, token_type: 'Bearer', expires_in: 300, id_token };
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
