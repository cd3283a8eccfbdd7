// Signs people in at an OpenID provider, by openid-client.
import { createServer } from 'node:http';
import * as client from 'openid-client';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = '8090', BASE_URL = `http://127.0.0.1:${PORT}` } = process.env;
const redirectUri = `${BASE_URL}/callback`;
const cookie = `; Path=/callback; HttpOnly; SameSite=Lax${BASE_URL.startsWith('https:') ? '; Secure' : ''}`;

// ID tokens are verified by the provider's keys, not by trust in TLS alone, which would be the library's default.
const execute = [client.enableNonRepudiationChecks];
// Plain HTTP is for a provider on your own machine only.
if (ISSUER.startsWith('http://127.0.0.1:')) execute.push(client.allowInsecureRequests);
const provider = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, { execute });

/** Sends the browser to the provider, with a cookie that says what to expect when it comes back. */
async function login(request, response) {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(provider, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  response.writeHead(303, {
    location: url.href,
    'set-cookie': `attempt=${[verifier, state, nonce].join('.')}; Max-Age=600${cookie}`,
  }).end();
}

/** Swaps the code for tokens. The library checks state and iss, the ID token's signature, iss, aud, exp and nonce. */
async function callback(request, response, { search }) {
  const attempt = /(?:^|; )attempt=([^;]+)/.exec(request.headers.cookie)?.[1];
  if (!attempt) throw new Error('this browser began no sign-in');
  const [pkceCodeVerifier, expectedState, expectedNonce] = attempt.split('.');
  const tokens = await client.authorizationCodeGrant(provider, new URL(redirectUri + search), {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(provider, tokens.access_token, claims.sub);

  // Here your application begins a session of its own for `claims.sub`. This one shows what it got.
  response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': `attempt=; Max-Age=0${cookie}` });
  response.end(JSON.stringify({ id_token: claims, userinfo }, undefined, 2));
}

function home(request, response) {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/login">Sign in</a>');
}

const routes = { '/': home, '/login': login, '/callback': callback };

createServer(async (request, response) => {
  try {
    const url = new URL(request.url, BASE_URL);
    if (Object.hasOwn(routes, url.pathname)) await routes[url.pathname](request, response, url);
    else response.writeHead(404).end('Not found');
  } catch (error) {
    console.error('sign-in failed:', error);
    response.writeHead(400, { 'set-cookie': `attempt=; Max-Age=0${cookie}` }).end('You are not signed in.');
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${BASE_URL}`));
