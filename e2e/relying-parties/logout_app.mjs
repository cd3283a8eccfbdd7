// A web application that keeps its users signed in by itself, on npm's openid-client, and hears of logouts by every
// channel. Its arguments: a file with { issuer, client_id, client_secret }, and its port.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import * as client from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { issuer, client_id, client_secret } = JSON.parse(await readFile(process.argv[2], 'utf8'));
const port = Number(process.argv[3]);
const base = `http://127.0.0.1:${port}`;
// Cookies don't know ports: each of these applications has a name of its own.
const cookie = `app-${port}`;
// The tests speak plain HTTP on the loopback interface.
const config = await client.discovery(new URL(issuer), client_id, client_secret, undefined, { execute: [client.allowInsecureRequests] });
const provider = config.serverMetadata();
const keys = createRemoteJWKSet(new URL(provider.jwks_uri));

/** Who is signed in here, by the cookie's value. */
const sessions = new Map();
/** Sign-ins that are under way, by `state`. */
const attempts = new Map();
/** What was heard by which channel. */
const heard = [];
let deaf = false;

function end(channel, sid) {
  heard.push({ channel, sid });
  for (const [id, session] of sessions) if (session.claims.sid === sid) sessions.delete(id);
}

async function authorize(parameters) {
  const attempt = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  attempts.set(attempt.expectedState, attempt);
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${base}/callback`,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(attempt.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: attempt.expectedState,
    nonce: attempt.expectedNonce,
    ...parameters,
  });
  return { location: url.href };
}

/** The page of an application, which asks the provider's frame whether it is still the same people who are signed in. */
function home(session) {
  if (!session) return { body: '<p id="state">signed out</p>' };
  const asks = `
    const frame = document.getElementById('provider');
    const ask = () => frame.contentWindow.postMessage(${JSON.stringify(`${client_id} ${session.state}`)}, ${JSON.stringify(new URL(issuer).origin)});
    addEventListener('message', (event) => {
      if (event.source !== frame.contentWindow || event.origin !== ${JSON.stringify(new URL(issuer).origin)}) return;
      document.getElementById('answer').textContent = event.data;
      if (event.data === 'changed') location.href = '/again';
    });
    frame.addEventListener('load', () => { ask(); setInterval(ask, 100); });`;
  return {
    body: `<p id="state">signed in as ${session.email}</p><p id="answer"></p>`
      + `<iframe id="provider" src="${provider.check_session_iframe}" title="The provider’s frame" hidden></iframe><script>${asks}</script>`,
  };
}

const routes = {
  '/': async ({ session }) => home(session),

  '/login': async ({ url }) => authorize(Object.fromEntries(url.searchParams)),

  // Session Management §3.1: who hears that something has changed asks again, without a page.
  '/again': async ({ session }) => authorize({ prompt: 'none', id_token_hint: session?.id_token }),

  '/callback': async ({ url, id }) => {
    const attempt = attempts.get(url.searchParams.get('state'));
    try {
      const tokens = await client.authorizationCodeGrant(config, url, { ...attempt, idTokenExpected: true });
      const state = url.searchParams.get('session_state');
      const { email } = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
      const fresh = randomUUID();
      sessions.set(fresh, { claims: tokens.claims(), email, id_token: tokens.id_token, access_token: tokens.access_token, state });
      return { location: '/', cookie: fresh };
    } catch (error) {
      if (error.error !== 'login_required') throw error;
      if (sessions.has(id)) end('session management', sessions.get(id).claims.sid);
      return { location: '/' };
    }
  },

  '/logout': async ({ session }) => {
    const parameters = { post_logout_redirect_uri: `${base}/bye`, id_token_hint: session.id_token, state: 'the state' };
    return { location: client.buildEndSessionUrl(config, parameters).href };
  },

  '/bye': async ({ url, id }) => {
    sessions.delete(id);
    return { body: `<p id="state">good bye</p><p id="returned">${url.searchParams.get('state')}</p>` };
  },

  // Front-Channel Logout 1.0 §3
  '/frontchannel': async ({ url }) => {
    if (url.searchParams.get('iss') !== issuer) return { status: 400 };
    end('front', url.searchParams.get('sid'));
    return { body: 'done' };
  },

  // Back-Channel Logout 1.0 §2.6
  '/backchannel': async ({ posted }) => {
    if (deaf) return { status: 503 };
    const options = { issuer, audience: client_id, typ: 'logout+jwt', algorithms: ['RS256'], requiredClaims: ['iat', 'exp', 'jti', 'sid', 'events'] };
    const { payload } = await jwtVerify(posted.get('logout_token') ?? '', keys, options);
    const event = payload.events['http://schemas.openid.net/event/backchannel-logout'];
    if (typeof event !== 'object' || payload.nonce !== undefined) return { status: 400 };
    end('back', payload.sid);
    return { body: '' };
  },

  // For the test: what was heard, and whether logout tokens are taken.
  '/heard': async () => ({ json: heard }),
  '/hearing': async ({ url }) => { deaf = url.searchParams.get('on') === 'false'; return { json: !deaf }; },
  '/session': async ({ session }) => ({ json: session ?? null }),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, base);
  let posted = '';
  for await (const part of request) posted += part;
  const id = request.headers.cookie?.split('; ').find((pair) => pair.startsWith(`${cookie}=`))?.slice(cookie.length + 1);
  let answer;
  try {
    answer = await (routes[url.pathname] ?? (() => ({ status: 404 })))({ url, id, session: sessions.get(id), posted: new URLSearchParams(posted) });
  } catch (error) {
    answer = { status: 400, body: `<p id="state">${error.error ?? error.code ?? error.name}</p>` };
  }
  response.setHeader('cache-control', 'no-store');
  if (answer.cookie) response.setHeader('set-cookie', `${cookie}=${answer.cookie}; Path=/; HttpOnly; SameSite=Lax`);
  if (answer.location) {
    response.setHeader('location', answer.location);
    response.statusCode = 303;
    return response.end();
  }
  response.statusCode = answer.status ?? 200;
  if (answer.json !== undefined) {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(answer.json));
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  return response.end(`<!doctype html><html lang="en"><title>Application</title><link rel="icon" href="data:,">${answer.body ?? ''}</html>`);
});

server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
