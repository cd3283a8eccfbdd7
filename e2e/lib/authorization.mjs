// Authorization requests, written out, for the tests that need no client library.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A code verifier (RFC 7636 §4.1), and what a request says of it. */
export const verifier = 'a-code-verifier-that-is-long-enough-for-the-specification';
const challenge = createHash('sha256').update(verifier).digest('base64url');

/** The redirect URI that clients register here. */
export const registeredRedirectUri = 'http://127.0.0.1:8090/callback';

// Somebody for the browser to come back to. On a loopback address the port doesn't count (RFC 8252 §7.3).
const client = createServer((request, response) => {
  if (!request.url.startsWith('/begin')) return response.end('back at the client');
  // A page of the client's that sends an authorization request as a form.
  const fields = [...new URL(request.url, 'http://client').searchParams];
  const inputs = fields.filter(([name]) => name !== 'to').map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  const to = fields.find(([name]) => name === 'to')[1];
  response.setHeader('content-type', 'text/html; charset=utf-8');
  return response.end(`<!doctype html><title>Client</title><form method="post" action="${to}">${inputs.join('')}<button>Sign in</button></form>`);
}).listen(0, '127.0.0.1');
client.unref();
await once(client, 'listening');

/** The redirect URI that these tests use. */
export const redirectUri = `http://127.0.0.1:${client.address().port}/callback`;

/** The address of an authorization request for the demo client. `changes` replaces parameters; undefined removes one. */
export function authorizationUrl({ issuer, browser_client }, changes = {}) {
  const url = new URL(`${issuer}/authorize`);
  const parameters = {
    response_type: 'code',
    client_id: browser_client.client_id,
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: 'state-0123456789',
    nonce: 'nonce-0123456789',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** A page on another site than the provider's, whose one button posts the authorization request. */
export function postingPage(facts, changes = {}) {
  const request = new URL(authorizationUrl(facts, changes));
  const page = new URL(redirectUri.replace('127.0.0.1', 'localhost').replace('/callback', '/begin'));
  page.search = request.search;
  page.searchParams.set('to', `${facts.issuer}/authorize`);
  return page.href;
}

/**
 * A client whose callback sends the browser on to another origin at once, as many do after they took the answer in.
 *
 * `answers` is what came to the callback, `home` where the browser ends.
 */
export async function clientThatMovesOn() {
  const answers = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://client');
    if (url.pathname !== '/callback') return response.end('<!doctype html><title>Home</title>at home');
    let posted = '';
    for await (const piece of request) posted += piece;
    answers.push(Object.fromEntries(request.method === 'POST' ? new URLSearchParams(posted) : url.searchParams));
    return response.writeHead(303, { location: home }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const home = `http://localhost:${port}/home`;
  const stop = () => { server.closeAllConnections(); server.close(); };
  return { redirectUri: `http://127.0.0.1:${port}/callback`, home, answers, stop };
}

/** Does `action`, waits until the browser posts an answer to the client, and reads it. */
export async function postedAnswer(page, action) {
  const posted = page.waitForRequest((request) => request.method() === 'POST' && request.url().startsWith(redirectUri));
  await action();
  const request = await posted;
  await page.waitForURL((url) => url.href.startsWith(redirectUri));
  return { type: request.headers()['content-type'], query: new URL(request.url()).search, ...Object.fromEntries(new URLSearchParams(request.postData())) };
}

/** Does `action`, waits until the browser is back at the client, and reads the answer. */
export async function answerTo(page, action) {
  await action();
  await page.waitForURL((url) => url.href.startsWith(redirectUri));
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** Waits until the clock, which `auth_time` is read from, shows a second that is so many after that one. */
export async function secondsAfter(time, seconds) {
  while (Math.floor(Date.now() / 1000) < time + seconds) await pause(25);
}

/** Agrees, where consent is asked for. */
export async function agree(page) {
  await page.waitForURL((url) => url.pathname.endsWith('/consent') || url.href.startsWith(redirectUri));
  if (page.url().startsWith(redirectUri)) return;
  await page.click('#allow');
}

/** Swaps a code of the demo client for tokens. */
export function redeem({ issuer, browser_client }, code, changes = {}) {
  const { client_id, client_secret } = browser_client;
  return fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier, ...changes }),
  });
}
