// Making an account, as people meet it: from the client's "create account" (`prompt=create`) and from the sign-in page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree, answerTo, authorizationUrl, redeem } from '../lib/authorization.mjs';
import { alertOf, signIn, signUp } from '../lib/browser.mjs';
import { inBrowser, signet } from '../lib/stage.mjs';

const password = 'six words that make no sense';

/** The person whom a code's tokens are about. */
async function personOf(answer) {
  const { access_token: token } = await (await redeem(signet.facts, answer.code)).json();
  const userinfo = await fetch(`${signet.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  return userinfo.json();
}

for (const [name, options] of [['', {}], [' without JavaScript', { javaScriptEnabled: false }]]) {
  test(`a client sends somebody to make an account, and gets them back signed in${name}`, inBrowser(options, async (page) => {
    const email = `grace${Object.keys(options).length}@example.com`;
    const answer = await answerTo(page, async () => {
      await page.goto(authorizationUrl(signet.facts, { prompt: 'create' }));
      assert.equal(new URL(page.url()).pathname, '/signup');
      await signUp(page, { email, name: 'Grace Hopper', password });
      await agree(page);
    });
    const person = await personOf(answer);
    assert.equal(person.email, email);
    assert.equal(person.email_verified, false);
    assert.equal(person.name, 'Grace Hopper');
  }));
}

test('the sign-in page leads to a new account, and that page back', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await page.click('#sign-up');
  assert.match(await page.title(), /^Create an account/);
  await page.click('#sign-in');
  assert.match(await page.title(), /^Sign in/);
  await page.click('#sign-up');
  const answer = await answerTo(page, async () => {
    await signUp(page, { email: 'linked@example.com', password });
    await agree(page);
  });
  assert.equal((await personOf(answer)).email, 'linked@example.com');
}));

test('what is wrong is said at the field, in the order of the form, and what was typed stays', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts, { prompt: 'create' }));
  await signUp(page, { email: 'grace@', name: 'Grace', password: 'short' });
  const alert = await alertOf(page);
  const lines = await alert.locator('li').allInnerTexts();
  assert.deepEqual(lines, ['Enter an email address like name@example.com', 'Choose a password of at least 8 characters']);
  assert.equal(await page.inputValue('#email'), 'grace@');
  assert.equal(await page.inputValue('#name'), 'Grace');
  assert.equal(await page.inputValue('#password'), '');
  await alert.locator('a').last().click();
  await page.locator('#password:focus').waitFor();
}));

test('a taken address leads to the sign-in page', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts, { prompt: 'create' }));
  await signUp(page, { email: signet.facts.user.email, password });
  assert.match(await (await alertOf(page)).innerText(), /No account can be made with this email address/);
  const answer = await answerTo(page, async () => {
    await page.click('#sign-in');
    await signIn(page, signet.facts.user);
    await agree(page);
  });
  assert.equal((await personOf(answer)).email, signet.facts.user.email);
}));

test('a tenant that takes nobody offers no account', inBrowser({}, async (page) => {
  const closed = await signet.tenant('closed');
  await page.goto(authorizationUrl(closed));
  assert.equal(await page.locator('#sign-up').count(), 0);
}));
