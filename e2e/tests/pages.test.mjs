// The hosted pages as people meet them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree, answerTo, authorizationUrl, redeem, secondsAfter } from '../lib/authorization.mjs';
import { alertOf, signIn, visibleText } from '../lib/browser.mjs';
import { inBrowser, signet } from '../lib/stage.mjs';

/** Waits until that element has the focus, which the browser gives it once it has drawn the page. */
const focused = (page, selector) => page.locator(`${selector}:focus`).waitFor();

/** Opens a faulty request and checks that the browser stays here, at a page that names the parameter. */
async function refusedNaming(page, parameter, changes) {
  const response = await page.goto(authorizationUrl(signet.facts, changes));
  assert.equal(response.status(), 400);
  assert.ok(page.url().startsWith(signet.url), `redirected to ${page.url()}`);
  assert.match(await visibleText(page), new RegExp(parameter));
  assert.match(await visibleText(page), /Reference/i);
}

test('an unknown client gets a page that names client_id', inBrowser({}, (page) =>
  refusedNaming(page, 'client_id', { client_id: 'nobody' })));

test('a missing client gets a page that names client_id', inBrowser({}, (page) =>
  refusedNaming(page, 'client_id', { client_id: undefined })));

for (const uri of [
  'https://attacker.example/callback',
  'http://127.0.0.1:8090/callback/',
  'http://127.0.0.1:8090/Callback',
  'http://127.0.0.1:8090/callback?extra=1',
  'http://127.0.0.1:8090/callback#fragment',
  'http://localhost:8090/callback',
  'http://127.0.0.1.attacker.example:8090/callback',
  'https://127.0.0.1:8090/callback',
]) {
  test(`redirect_uri ${uri} gets a page that names redirect_uri`, inBrowser({}, (page) =>
    refusedNaming(page, 'redirect_uri', { redirect_uri: uri })));
}

test('a request without redirect_uri gets a page that names it', inBrowser({}, (page) =>
  refusedNaming(page, 'redirect_uri', { redirect_uri: undefined })));

test('a wrong password says so, keeps the e-mail address and not the password', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await signIn(page, { email: signet.facts.user.email, password: 'not the password' });
  const alert = await alertOf(page);
  assert.match(await alert.innerText(), /isn’t right/);
  assert.equal(await page.inputValue('#email'), signet.facts.user.email);
  assert.equal(await page.inputValue('#password'), '');
  await focused(page, '[role=alert]');
  assert.match(await page.title(), /^Error:/);
}));

test('somebody unknown reads the same words as somebody with a wrong password', inBrowser({}, async (page) => {
  const words = [];
  for (const email of [signet.facts.user.email, 'nobody@example.com']) {
    await page.goto(authorizationUrl(signet.facts));
    await signIn(page, { email, password: 'not the password' });
    await alertOf(page);
    words.push((await visibleText(page)));
  }
  assert.equal(words[0], words[1]);
}));

test('empty fields are named, and the summary links to them', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await page.click('button[type=submit]');
  await alertOf(page);
  await page.click('[role=alert] a[href="#email"]');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'email');
  const described = await page.getAttribute('#email', 'aria-describedby');
  assert.match(await page.locator(`#${described}`).innerText(), /Enter/);
}));

test('the sign-in page keeps the contract that client test suites rely on', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  assert.equal(new URL(page.url()).pathname, '/login');
  assert.match(await visibleText(page), /Sign in/);
  assert.equal(await page.locator('#email[name=email]').count(), 1);
  assert.equal(await page.locator('#password[name=password][type=password]').count(), 1);
  assert.equal(await page.locator('button[type=submit]').count(), 1);
  assert.equal(await page.getAttribute('#email', 'autocomplete'), 'username');
  assert.equal(await page.getAttribute('#password', 'autocomplete'), 'current-password');
  assert.equal(await page.locator('button[name=cancel], input[value=cancel]').count() > 0, true);
}));

test('cancel answers access_denied with state and iss', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  const answer = await answerTo(page, () => page.click('#cancel'));
  assert.equal(answer.error, 'access_denied');
  assert.equal(answer.state, 'state-0123456789');
  assert.equal(answer.iss, signet.issuer);
  assert.equal(answer.code, undefined);
}));

test('consent names what the client may do, refusing answers access_denied', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await signIn(page, signet.facts.user);
  await page.locator('#deny').waitFor();
  assert.equal(new URL(page.url()).pathname, '/consent');
  const answer = await answerTo(page, () => page.click('#deny'));
  assert.deepEqual(answer, { error: 'access_denied', error_description: answer.error_description, state: 'state-0123456789', iss: signet.issuer });
}));

test('the keyboard alone is enough, and the focus can always be seen', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await focused(page, '#email');
  await page.keyboard.type(signet.facts.user.email);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
  await page.keyboard.type(signet.facts.user.password);
  await page.keyboard.press('Enter');
  await page.locator('#allow').waitFor();
  const answer = await answerTo(page, async () => {
    for (let i = 0; await page.evaluate(() => document.activeElement.id) !== 'allow'; i += 1) {
      assert.ok(i < 20, 'Tab gets to the button');
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return document.activeElement === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none';
      }), 'the focused element is marked');
    }
    await page.keyboard.press('Enter');
  });
  assert.ok(answer.code);
}));

test('everything works without JavaScript', inBrowser({ javaScriptEnabled: false }, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await signIn(page, signet.facts.admin);
  await page.locator('#allow').waitFor();
  const { code, state, iss } = await answerTo(page, () => page.click('#allow'));
  assert.equal(state, 'state-0123456789');
  assert.equal(iss, signet.issuer);
  const response = await redeem(signet.facts, code);
  assert.equal(response.status, 200);
  const { access_token } = await response.json();
  const userinfo = () => fetch(`${signet.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal((await userinfo()).status, 200);
  assert.equal((await redeem(signet.facts, code)).status, 400);
  assert.equal((await userinfo()).status, 401, 'the tokens of the first use die with the second');
}));

test('the front page says what it is, also to somebody who is signed in', inBrowser({}, async (page) => {
  const response = await page.goto(`${signet.issuer}/`);
  assert.equal(response.status(), 200);
  assert.match(await visibleText(page), /You sign in to your apps here/);
  await answerTo(page, async () => {
    await page.goto(authorizationUrl(signet.facts));
    await signIn(page, signet.facts.user);
    await agree(page);
  });
  await page.goto(`${signet.issuer}/`);
  assert.match(await visibleText(page), /You’re signed in/);
}));

test('with JavaScript the password can be shown', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  await page.fill('#password', 'secret words');
  await page.getByRole('button', { name: 'Show password' }).click();
  assert.equal(await page.getAttribute('#password', 'type'), 'text');
  await page.getByRole('button', { name: 'Hide password' }).click();
  assert.equal(await page.getAttribute('#password', 'type'), 'password');
}));

test('the language is the reader’s, and can be switched', inBrowser({ locale: 'de-DE' }, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  assert.match(await visibleText(page), /Anmelden/);
  await page.getByRole('link', { name: 'English' }).click();
  await page.locator('html[lang=en]').waitFor();
  await page.waitForLoadState();
  assert.match(await visibleText(page), /Sign in/);
  await signIn(page, { email: signet.facts.user.email, password: 'not the password' });
  await alertOf(page);
  assert.equal(await page.getAttribute('html', 'lang'), 'en', 'the choice stays');
}));

test('ui_locales asks for a language', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts, { ui_locales: 'xx de' }));
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
}));

test('a sign-in goes on only in the browser that began it', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  const begun = page.url();
  await page.context().clearCookies();
  const response = await page.goto(begun);
  assert.ok(response.status() >= 400 && response.status() < 500);
  assert.equal(await page.locator('#password').count(), 0);
}));

test('another site can neither frame the pages nor hear where people came from', inBrowser({}, async (page) => {
  const response = await page.goto(authorizationUrl(signet.facts));
  const headers = response.headers();
  assert.match(headers['content-security-policy'], /frame-ancestors 'none'/);
  assert.doesNotMatch(headers['content-security-policy'], /unsafe/);
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.match(headers['cache-control'], /no-store/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['access-control-allow-origin'], undefined);
}));

test('a form that another site sends changes nothing', inBrowser({}, async (page) => {
  await page.goto(authorizationUrl(signet.facts));
  const flow = new URL(page.url()).searchParams.get('flow');
  const response = await page.request.post(`${signet.url}/login`, {
    form: { flow, csrf: 'forged', email: signet.facts.user.email, password: signet.facts.user.password },
    maxRedirects: 0,
  });
  assert.ok(response.status() >= 400 && response.status() < 500, String(response.status()));
}));

test('prompt=none shows nothing and answers login_required', inBrowser({}, async (page) => {
  const answer = await answerTo(page, () => page.goto(authorizationUrl(signet.facts, { prompt: 'none' })));
  assert.equal(answer.error, 'login_required');
  assert.equal(answer.iss, signet.issuer);
}));

test('prompt=login shows the form again and auth_time advances', inBrowser({}, async (page) => {
  const idToken = async (changes) => {
    const { code } = await answerTo(page, async () => {
      await page.goto(authorizationUrl(signet.facts, changes));
      await signIn(page, signet.facts.user);
      await agree(page);
    });
    const { id_token } = await (await redeem(signet.facts, code)).json();
    return JSON.parse(Buffer.from(id_token.split('.')[1], 'base64url'));
  };
  const first = await idToken({});
  await secondsAfter(first.auth_time, 1);
  const second = await idToken({ prompt: 'login' });
  assert.equal(second.sub, first.sub);
  assert.ok(second.auth_time > first.auth_time);
}));
