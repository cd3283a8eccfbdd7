// A web application on npm's openid-client, used as its documentation shows.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import * as client from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const facts = JSON.parse(await readFile(process.argv[2], 'utf8'));
const port = Number(process.argv[3]);
const { issuer, browser_client: browser, service_client: service } = facts;
const redirect_uri = `http://127.0.0.1:${port}/callback`;
// The tests speak plain HTTP on the loopback interface.
const insecure = { execute: [client.allowInsecureRequests] };

const discover = ({ client_id, client_secret }) => client.discovery(new URL(issuer), client_id, client_secret, undefined, insecure);

/** Verifies an access token as a resource server does (RFC 9068). */
async function verifyAccessToken(config, token, audience) {
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] });
  return payload;
}

let attempt;

const routes = {
  '/': async () => 'ready',

  '/login': async (_url, response) => {
    const config = await discover(browser);
    attempt = {
      config,
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(attempt.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: attempt.expectedState,
      nonce: attempt.expectedNonce,
    });
    response.setHeader('location', url.href);
    response.statusCode = 303;
    return '';
  },

  '/callback': async (url) => {
    const { config, ...checks } = attempt;
    const tokens = await client.authorizationCodeGrant(config, url, { ...checks, idTokenExpected: true });
    const id_token = tokens.claims();
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, id_token.sub);
    return { id_token, userinfo, access_token: await verifyAccessToken(config, tokens.access_token, issuer) };
  },

  '/service': async () => {
    const config = await discover(service);
    const tokens = await client.clientCredentialsGrant(config);
    return { access_token: await verifyAccessToken(config, tokens.access_token, 'services') };
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, `http://127.0.0.1:${port}`);
  let answer;
  try {
    answer = await (routes[url.pathname] ?? (() => { response.statusCode = 404; return 'not found'; }))(url, response);
  } catch (error) {
    response.statusCode = 400;
    answer = { error: error.error ?? error.code ?? error.name, error_description: error.error_description ?? String(error.cause ?? error) };
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  response.end(`<!doctype html><title>Result</title><pre id=result>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`);
});

server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
