// The code flow in a browser: who is asked what, again and not again, in one tab and in several.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { agree, answerTo, authorizationUrl, clientThatMovesOn, postedAnswer, postingPage, redeem, secondsAfter } from '../lib/authorization.mjs';
import { signIn, visibleText } from '../lib/browser.mjs';
import { inBrowser, signet } from '../lib/stage.mjs';

const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

/** Redeems the code of an answer and reads its ID token. */
async function idToken({ code, ...answer }) {
  assert.ok(code, JSON.stringify(answer));
  const response = await redeem(signet.facts, code);
  assert.equal(response.status, 200);
  return claimsOf((await response.json()).id_token);
}

/** Signs in on the page that is open, and agrees. */
async function fillIn(page, person) {
  await signIn(page, person);
  await agree(page);
}

/** Begins a sign-in, fills everything in, and reads the answer. */
const wholeSignIn = (page, person, changes = {}) => answerTo(page, async () => {
  await page.goto(authorizationUrl(signet.facts, changes));
  await fillIn(page, person);
});

/** Signs somebody in beside whoever is, over the account chooser. */
const addAccount = (page, person) => answerTo(page, async () => {
  await page.goto(authorizationUrl(signet.facts, { prompt: 'select_account' }));
  await page.getByRole('link', { name: 'Use another account' }).click();
  await page.locator('#password').waitFor();
  await fillIn(page, person);
});

const silently = (page, changes = {}) =>
  answerTo(page, () => page.goto(authorizationUrl(signet.facts, { prompt: 'none', ...changes })));

test('prompt=none answers at once for who is signed in and has agreed', inBrowser({}, async (page) => {
  const first = await idToken(await wholeSignIn(page, signet.facts.user));
  const second = await idToken(await silently(page));
  assert.equal(second.sub, first.sub);
  assert.equal(second.auth_time, first.auth_time);
  assert.equal(second.acr, 'urn:signet:acr:1fa');
}));

test('prompt=none answers consent_required where something new is asked for', inBrowser({}, async (page) => {
  await wholeSignIn(page, signet.facts.user);
  const { error } = await silently(page, { scope: 'openid phone' });
  assert.equal(error, 'consent_required');
}));

test('max_age asks again once it is exceeded and not before', inBrowser({}, async (page) => {
  const first = await idToken(await wholeSignIn(page, signet.facts.user));
  const kept = await answerTo(page, () => page.goto(authorizationUrl(signet.facts, { max_age: '1000' })));
  assert.equal((await idToken(kept)).auth_time, first.auth_time);
  await secondsAfter(first.auth_time, 2);
  await page.goto(authorizationUrl(signet.facts, { max_age: '1' }));
  assert.match(await visibleText(page), /Sign in again/);
  assert.equal(await page.inputValue('#email'), signet.facts.user.email);
  const again = await idToken(await answerTo(page, () => fillIn(page, signet.facts.user)));
  assert.ok(again.auth_time > first.auth_time);
  assert.equal(again.sid, first.sid, 'the session goes on');
}));

test('of two accounts the person chooses one, and goes on as that one', inBrowser({}, async (page) => {
  const user = await idToken(await wholeSignIn(page, signet.facts.user));
  const admin = await idToken(await addAccount(page, signet.facts.admin));
  assert.notEqual(user.sub, admin.sub);
  for (const [person, expected] of [[signet.facts.user, user], [signet.facts.admin, admin]]) {
    await page.goto(authorizationUrl(signet.facts));
    assert.equal(new URL(page.url()).pathname, '/select-account');
    const answer = await answerTo(page, () => page.getByRole('button', { name: person.email }).click());
    assert.equal((await idToken(answer)).sub, expected.sub);
    assert.equal((await idToken(await silently(page))).sub, expected.sub, 'the one used last');
  }
}));

test('an id_token_hint decides between two accounts', inBrowser({}, async (page) => {
  const answer = await wholeSignIn(page, signet.facts.user);
  const { id_token: hint } = await (await redeem(signet.facts, answer.code)).json();
  await addAccount(page, signet.facts.admin);
  const hinted = await idToken(await silently(page, { id_token_hint: hint }));
  assert.equal(hinted.sub, claimsOf(hint).sub);
}));

test('a form on another site may post the request', inBrowser({}, async (page) => {
  await page.goto(postingPage(signet.facts));
  await page.click('button');
  await page.waitForURL((url) => url.pathname === '/login');
  const answer = await answerTo(page, () => fillIn(page, signet.facts.user));
  assert.equal(answer.state, 'state-0123456789');
  // Somebody who is signed in: that POST carries no cookies, the page after it does.
  await page.goto(postingPage(signet.facts));
  const again = await answerTo(page, () => page.click('button'));
  assert.ok(again.code, JSON.stringify(again));
}));

test('form_post: the browser posts the answer by itself', inBrowser({}, async (page) => {
  const mode = { response_mode: 'form_post' };
  const first = await postedAnswer(page, async () => {
    await page.goto(authorizationUrl(signet.facts, { ...mode, prompt: 'consent' }));
    await signIn(page, signet.facts.user);
    await page.click('#allow');
  });
  assert.equal(first.type, 'application/x-www-form-urlencoded');
  assert.equal(first.query, '');
  assert.equal(first.state, 'state-0123456789');
  assert.equal(first.iss, signet.issuer);
  assert.ok(await idToken(first));
  const silent = await postedAnswer(page, () => page.goto(authorizationUrl(signet.facts, { ...mode, prompt: 'none' })));
  assert.ok(await idToken(silent));
  const refused = await postedAnswer(page, () => page.goto(authorizationUrl(signet.facts, { ...mode, prompt: 'none', scope: 'openid address' })));
  assert.equal(refused.error, 'consent_required');
}));

test('form_post without JavaScript: the person presses the button', inBrowser({ javaScriptEnabled: false }, async (page) => {
  const answer = await postedAnswer(page, async () => {
    await page.goto(authorizationUrl(signet.facts, { response_mode: 'form_post', prompt: 'consent' }));
    await signIn(page, signet.facts.admin);
    await page.click('#allow');
    await page.getByText(/on your way back/).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
  });
  assert.ok(await idToken(answer));
}));

for (const [mode, options] of [['query', {}], ['form_post', {}], ['form_post', { javaScriptEnabled: false }]]) {
  const scripts = options.javaScriptEnabled === false ? ', without JavaScript' : '';
  test(`${mode}: a client may send the browser on to another origin${scripts}`, inBrowser(options, async (page) => {
    const client = await clientThatMovesOn();
    const begin = (prompt) => page.goto(authorizationUrl(signet.facts, { redirect_uri: client.redirectUri, response_mode: mode, prompt }));
    // Each page that may be the last of ours before the client.
    const ways = [
      ['code', 'consent', async () => { await signIn(page, signet.facts.user); await page.click('#allow'); }],
      ['code', 'login', () => signIn(page, signet.facts.user)],
      ['code', 'select_account', () => page.getByRole('button', { name: signet.facts.user.email }).click()],
      ['error', 'consent', () => page.click('#deny')],
      ['error', 'login', () => page.click('#cancel')],
    ];
    try {
      for (const [outcome, prompt, goOn] of ways) {
        await begin(prompt);
        await goOn();
        if (scripts && mode === 'form_post') await page.getByRole('button', { name: 'Continue', exact: true }).click();
        await page.waitForURL(client.home);
        assert.ok(client.answers.at(-1)[outcome], `${prompt}: ${JSON.stringify(client.answers.at(-1))}`);
      }
      assert.equal(client.answers.length, ways.length);
    } finally {
      client.stop();
    }
  }));
}

test('sign-ins in two tabs each end well, in any order', inBrowser({}, async (first, context) => {
  const second = await context.newPage();
  // Both at once, in a browser that has never been here.
  await Promise.all([
    first.goto(authorizationUrl(signet.facts, { state: 'first' })),
    second.goto(authorizationUrl(signet.facts, { state: 'second' })),
  ]);
  const later = await answerTo(second, () => fillIn(second, signet.facts.user));
  const earlier = await answerTo(first, () => fillIn(first, signet.facts.user));
  assert.equal(later.state, 'second');
  assert.equal(earlier.state, 'first');
  assert.ok(await idToken(later));
  assert.ok(await idToken(earlier), 'the one did not end the other');
}));

// Three of them will do here: the others are in idp/tests/all/http/accounts.rs.
test('of twenty first pages side by side the first, one between and the last end well', inBrowser({}, async (page, context) => {
  const tabs = [page];
  while (tabs.length < 20) tabs.push(await context.newPage());
  await Promise.all(tabs.map((tab, number) => tab.goto(authorizationUrl(signet.facts, { state: `${number}` }))));
  for (const number of [19, 9, 0]) {
    const tab = tabs[number];
    await tab.bringToFront();
    const answer = await answerTo(tab, () => fillIn(tab, signet.facts.user));
    assert.equal(answer.state, `${number}`);
    assert.ok(answer.code, JSON.stringify(answer));
  }
}));

test('the back button after a sign-in leads to words, not to a fault', inBrowser({}, async (page) => {
  await page.goto('about:blank');
  await wholeSignIn(page, signet.facts.user);
  await page.goBack();
  assert.match(await visibleText(page), /already finished|Allow access|Sign in/);
  // Whoever sends the old form again is told so.
  if (await page.locator('#allow').count()) await page.click('#allow');
  else if (await page.locator('#password').count()) await signIn(page, signet.facts.user);
  await page.getByText(/already finished/).first().waitFor();
  const again = await silently(page);
  assert.ok(again.code, 'the session is as it was');
}));

test('cancel on each page answers access_denied and signs nobody out', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  assert.equal((await answerTo(page, () => page.click('#cancel'))).error, 'access_denied');
  await wholeSignIn(page, signet.facts.user);
  for (const prompt of ['login', 'select_account']) {
    await page.goto(authorizationUrl(signet.facts, { prompt }));
    assert.equal((await answerTo(page, () => page.click('#cancel'))).error, 'access_denied', prompt);
  }
  await page.goto(authorizationUrl(signet.facts, { prompt: 'consent' }));
  assert.equal((await answerTo(page, () => page.click('#deny'))).error, 'access_denied');
  assert.ok((await silently(page)).code);
}));
