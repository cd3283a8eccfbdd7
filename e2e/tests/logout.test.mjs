// Single logout: two applications on npm's openid-client, and the provider tells the second that the first is left, by
// each of the channels. In a real browser.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answerTo, authorizationUrl } from '../lib/authorization.mjs';
import { visibleText, withPage } from '../lib/browser.mjs';
import { Application } from '../lib/logout.mjs';
import { browser, inBrowser, signet } from '../lib/stage.mjs';
import { atConsole } from '../lib/states.mjs';

const channels = ['front', 'back', 'session management'];

/** Signs somebody in at both applications, in one browser: the second time nobody is asked anything. */
async function signInAtBoth(page, acme, first, second) {
  const signedIn = `signed in as ${acme.user.email}`;
  assert.equal(await first.signIn(page, acme.user), signedIn);
  await page.goto(`${second.url}/login`);
  assert.equal(page.url(), `${second.url}/`, 'no page of the provider in between');
  assert.equal(await second.state(page), signedIn);
}

/** Leaves the first application by the provider's pages. */
async function leave(page, first) {
  await page.goto(`${first.url}/logout`);
  await page.click('#logout-yes');
  await page.waitForURL((url) => url.href.startsWith(`${first.url}/bye`));
  assert.equal(await page.locator('#returned').innerText(), 'the state');
}

/** Waits until the application has heard that this session is over. */
async function hears(application, heard) {
  await application.program.until(async () => (await application.heard()).length > 0, 20_000);
  assert.deepEqual(await application.heard(), [heard]);
}

async function nobodyIsSignedIn(page, acme, first, second) {
  for (const application of [first, second]) assert.match(await application.state(page), /signed out/);
  const silent = await answerTo(page, () => page.goto(authorizationUrl(acme, { prompt: 'none' })));
  assert.equal(silent.error, 'login_required');
}

for (const channel of channels) {
  describe(channel, () => {
    let acme;
    let first;
    let second;
    before(async () => {
      acme = await signet.tenant(channel.replace(' ', '-'));
      first = await Application.start(signet, acme, 'First', channel);
      second = await Application.start(signet, acme, 'Second', channel);
    });
    after(async () => {
      await first?.stop();
      await second?.stop();
    });

    test('who leaves one application has left the other', inBrowser({}, async (page, context) => {
      await signInAtBoth(page, acme, first, second);
      const { claims, access_token } = await second.session(page);
      // The second application stands open in another tab, whose page asks the provider's frame all the time.
      const beside = channel === 'session management' && await context.newPage();
      if (beside) {
        await beside.goto(`${second.url}/`);
        await beside.locator('#answer', { hasText: /^unchanged$/ }).waitFor();
      }
      await leave(page, first);
      if (beside) await beside.locator('#state', { hasText: 'signed out' }).waitFor();
      await hears(second, { channel, sid: claims.sid });
      await nobodyIsSignedIn(page, acme, first, second);
      const userinfo = await fetch(`${acme.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
      assert.equal(userinfo.status, 401, 'and what it holds is worth nothing');
    }));
  });
}

test('who signs out in the console has left the applications that show a frame', inBrowser({}, async (page) => {
  const acme = await signet.tenant('console-front');
  const application = await Application.start(signet, acme, 'Reports', 'front');
  try {
    await application.signIn(page, acme.user);
    const { claims } = await application.session(page);
    await page.goto(`${acme.issuer}/account`);
    await page.click('.menu summary');
    await page.click('form[action$="/sign-out"] button');
    await page.waitForURL((url) => url.pathname.endsWith('/account/signed-out'));
    assert.match(await visibleText(page), /signed out/);
    await hears(application, { channel: 'front', sid: claims.sid });
    assert.equal(await application.state(page), 'signed out');
  } finally {
    await application.stop();
  }
}));

test('a device that is signed out from another one has left its applications', () => withPage(browser, {}, async (desk) => {
  const acme = await signet.tenant('devices');
  const application = await Application.start(signet, acme, 'Reports', 'back');
  try {
    await atConsole(desk, acme, '/sessions');
    await withPage(browser, { userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' }, async (other) => {
      assert.match(await application.signIn(other, acme.user), /signed in/);
      const { claims } = await application.session(other);
      await desk.reload();
      await desk.getByRole('button', { name: /Sign out: Firefox/ }).click();
      await desk.locator('.notice').waitFor();
      await hears(application, { channel: 'back', sid: claims.sid });
      assert.equal(await application.state(other), 'signed out');
      await other.goto(`${acme.issuer}/account`);
      assert.ok(other.url().includes('/login?flow='), 'nor is it signed in at the provider');
    });
  } finally {
    await application.stop();
  }
}));

test('who says no stays signed in everywhere', inBrowser({}, async (page) => {
  const acme = await signet.tenant('stays');
  const application = await Application.start(signet, acme, 'Reports', 'front');
  try {
    await application.signIn(page, acme.user);
    await page.goto(`${application.url}/logout`);
    await page.click('#logout-no');
    await page.getByRole('link', { name: /Reports/ }).click();
    assert.match(await page.locator('#state').innerText(), /signed in/);
    assert.deepEqual(await application.heard(), []);
  } finally {
    await application.stop();
  }
}));

test('without JavaScript the frames are shown and a link leads on', inBrowser({ javaScriptEnabled: false }, async (page) => {
  const acme = await signet.tenant('scriptless-logout');
  const application = await Application.start(signet, acme, 'Reports', 'front');
  try {
    await application.signIn(page, acme.user);
    const { claims } = await application.session(page);
    await page.goto(`${application.url}/logout`);
    await page.click('#logout-yes');
    await page.locator('#continue').waitFor();
    await hears(application, { channel: 'front', sid: claims.sid });
    await page.click('#continue');
    await page.waitForURL((url) => url.href.startsWith(`${application.url}/bye`));
  } finally {
    await application.stop();
  }
}));
