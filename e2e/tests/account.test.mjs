// The account console as people meet it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { agree, answerTo, authorizationUrl, redeem } from '../lib/authorization.mjs';
import { signIn, visibleText, withPage } from '../lib/browser.mjs';
import { browser, inBrowser, signet } from '../lib/stage.mjs';
import { allowed, atConsole } from '../lib/states.mjs';

const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

const at = (path) => (url) => url.pathname.endsWith(path);

/** Clicks and waits until the browser is at a page whose address ends so, with what was done. */
async function does(page, selector, path) {
  await page.click(selector);
  await page.waitForURL(at(path));
}

async function userinfo(facts, code) {
  const { access_token } = await (await redeem(facts, code)).json();
  const response = await fetch(`${facts.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
  return { status: response.status, claims: await response.json() };
}

test('one browser signs out another, which sees it at its next step', inBrowser({}, async (desk) => {
  const acme = await signet.tenant('two-browsers');
  await atConsole(desk, acme, '/sessions');
  assert.match(await visibleText(desk), /signed in nowhere else/);
  await withPage(browser, { userAgent: phone }, async (mobile) => {
    await atConsole(mobile, acme, '/sessions');
    await mobile.goto(authorizationUrl(acme));
    await agree(mobile);
    await mobile.waitForURL(at('/callback'));

    await desk.reload();
    const other = desk.locator('.row').filter({ hasText: 'iPhone' });
    assert.equal(await desk.locator('.row').count(), 2);
    assert.match(await desk.locator('.row').first().innerText(), /Chrome on Linux[\s\S]*This device/);
    assert.match(await other.innerText(), /Safari on iPhone[\s\S]*Last active[\s\S]*127\.0\.0\.1[\s\S]*Password/);
    await other.getByRole('button', { name: 'Sign out: Safari on iPhone' }).click();
    await desk.locator('.notice').waitFor();
    assert.match(await desk.locator('.notice').innerText(), /signed out/);
    assert.equal(await desk.locator('.row').count(), 1);

    await mobile.goto(`${acme.issuer}/account`);
    assert.ok(mobile.url().includes('/login?flow='), 'the console asks to sign in');
    const silent = await answerTo(mobile, () => mobile.goto(authorizationUrl(acme, { prompt: 'none' })));
    assert.equal(silent.error, 'login_required', 'and applications are told that nobody is there');
  });
  await desk.goto(`${acme.issuer}/account`);
  assert.ok(at('/account')(new URL(desk.url())), 'this browser stays signed in');
}));

test('everywhere else is one question, which names what will be signed out', inBrowser({}, async (desk) => {
  const acme = await signet.tenant('everywhere');
  await atConsole(desk, acme);
  await withPage(browser, { userAgent: phone }, async (mobile) => {
    await atConsole(mobile, acme);
    await desk.goto(`${acme.issuer}/account/sessions`);
    await does(desk, 'main .actions a', '/account/sessions/end-others');
    assert.match(await visibleText(desk), /Safari on iPhone/);
    assert.doesNotMatch(await desk.locator('main').innerText(), /Chrome on Linux/);
    await does(desk, 'button.danger', '/account/sessions');
    assert.match(await desk.locator('.notice').innerText(), /everywhere else/);
    await mobile.goto(`${acme.issuer}/account/profile`);
    assert.ok(mobile.url().includes('/login?flow='));
  });
}));

test('what is changed in the profile is told to applications', inBrowser({}, async (page) => {
  const acme = await signet.tenant('profile');
  await atConsole(page, acme, '/profile');
  await page.fill('#name', 'Renée O’Hara-Łukasz');
  await page.fill('#zoneinfo', 'Europe/Warsaw');
  await does(page, 'main button.primary', '/account/profile');
  await page.locator('.notice').waitFor();
  assert.ok(await page.locator('.notice').evaluate((element) => element === document.activeElement), 'it is read out');
  assert.equal(await page.inputValue('#name'), 'Renée O’Hara-Łukasz');
  const { code } = await answerTo(page, async () => {
    await page.goto(authorizationUrl(acme));
    await agree(page);
  });
  const { claims } = await userinfo(acme, code);
  assert.equal(claims.name, 'Renée O’Hara-Łukasz');
  assert.equal(claims.zoneinfo, 'Europe/Warsaw');
  assert.equal(claims.email, acme.user.email);
}));

test('a changed password is the one that counts, and other browsers are signed out', inBrowser({}, async (page) => {
  const acme = await signet.tenant('password');
  const password = 'a new horse, a new battery';
  await withPage(browser, {}, async (elsewhere) => {
    await atConsole(elsewhere, acme);
    await atConsole(page, acme, '/password');
    await page.fill('#current', 'not the password');
    await page.fill('#new', password);
    await page.fill('#again', password);
    await page.click('main button.primary');
    await page.locator('[role=alert]').waitFor();
    assert.match(await page.locator('[role=alert]').innerText(), /current password isn’t right/);
    assert.equal(await page.inputValue('#new'), '', 'no password is sent back');
    await page.fill('#current', acme.user.password);
    await page.fill('#new', password);
    await page.fill('#again', password);
    await page.click('main button.primary');
    await page.locator('.notice').waitFor();
    await elsewhere.goto(`${acme.issuer}/account`);
    assert.ok(elsewhere.url().includes('/login?flow='));
    await signIn(elsewhere, acme.user);
    await elsewhere.locator('[role=alert]').waitFor();
    await signIn(elsewhere, { ...acme.user, password });
    await elsewhere.waitForURL(at('/account'));
  });
}));

test('a withdrawn application has to ask again', inBrowser({}, async (page) => {
  const { facts } = signet;
  await atConsole(page, facts, '/applications', facts.admin);
  await allowed(page, facts);
  const { code } = await answerTo(page, () => page.goto(authorizationUrl(facts)));
  const { access_token } = await (await redeem(facts, code)).json();
  const status = async () => (await fetch(`${facts.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })).status;
  assert.equal(await status(), 200);
  await page.goto(`${facts.issuer}/account/applications`);
  await page.getByRole('link', { name: 'Withdraw access from Demo application' }).click();
  await page.getByRole('link', { name: 'Keep access' }).click();
  await page.getByRole('link', { name: 'Withdraw access from Demo application' }).click();
  await page.getByRole('button', { name: 'Withdraw access' }).click();
  await page.locator('.notice').waitFor();
  assert.match(await visibleText(page), /No application has access/);
  assert.equal(await status(), 401);
  await page.goto(authorizationUrl(facts));
  await page.locator('#allow').waitFor();
}));

/** Presses Tab until the focus is where it should be; it can be seen on the way. */
async function tabTo(page, selector) {
  for (let i = 0; !(await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)); i += 1) {
    assert.ok(i < 60, `Tab gets to ${selector}`);
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => {
      const seen = (style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none';
      const element = document.activeElement;
      return element === document.body || seen(getComputedStyle(element)) || seen(getComputedStyle(element, '::after'));
    }), 'the focused element is marked');
  }
}

test('the keyboard alone is enough', inBrowser({}, async (page) => {
  const { facts } = signet;
  await atConsole(page, facts);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await tabTo(page, '.cards a[href$="/account/profile"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(at('/account/profile'));
  await tabTo(page, '#nickname');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('By keyboard');
  await tabTo(page, 'main button.primary');
  await page.keyboard.press('Enter');
  await page.locator('.notice').waitFor();
  assert.equal(await page.inputValue('#nickname'), 'By keyboard');
  await page.goto(`${facts.issuer}/account`);
  await tabTo(page, '.menu summary');
  await page.keyboard.press('Enter');
  await tabTo(page, 'form[action$="/sign-out"] button');
  await page.keyboard.press('Enter');
  await page.waitForURL(at('/account/signed-out'));
  assert.match(await visibleText(page), /signed out/);
}));

test('everything works without JavaScript', inBrowser({ javaScriptEnabled: false }, async (page) => {
  const acme = await signet.tenant('scriptless');
  await atConsole(page, acme, '/profile');
  await page.fill('#nickname', 'No script');
  await does(page, 'main button.primary', '/account/profile');
  assert.match(await visibleText(page), /Your profile is saved/);
  await allowed(page, acme);
  await page.goto(`${acme.issuer}/account/applications`);
  await does(page, 'main .row a.secondary', '/account/applications/withdraw');
  await does(page, 'button.danger', '/account/applications');
  assert.match(await visibleText(page), /Access is withdrawn/);
  await page.click('nav.side a[href$="/account/password"]');
  await page.fill('#current', acme.user.password);
  await page.fill('#new', 'a scriptless horse, a battery');
  await page.fill('#again', 'a scriptless horse, a battery');
  await does(page, 'main button.primary', '/account/password');
  assert.match(await visibleText(page), /Your password is changed/);
  await page.click('nav.side a[href$="/account/sessions"]');
  await page.click('.menu summary');
  await does(page, 'form[action$="/account/add"] button', '/login');
  await page.goBack();
  await page.click('.menu summary');
  await does(page, 'form[action$="/sign-out"] button', '/account/signed-out');
  await page.goto(`${acme.issuer}/account`);
  assert.ok(page.url().includes('/login?flow='));
}));
