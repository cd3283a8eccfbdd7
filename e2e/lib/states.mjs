// Every page that Signet shows, in every state that a person can meet. Looked at by axe, html-validate and people.
import { alertOf, signIn, signUp } from './browser.mjs';
import { agree, answerTo, authorizationUrl, redeem, redirectUri } from './authorization.mjs';

/** Signs somebody in, beside whoever is. */
async function signedInAs(page, facts, person) {
  await page.goto(authorizationUrl(facts, { prompt: 'select_account' }));
  const flow = new URL(page.url()).searchParams.get('flow');
  await page.goto(`${facts.issuer}/login?flow=${flow}&switch=1`);
  await answerTo(page, async () => {
    await signIn(page, person);
    await agree(page);
  });
}

/** Opens a page of the account console, signed in. */
export async function atConsole(page, facts, path = '', person = facts.user) {
  await page.goto(`${facts.issuer}/account${path}`);
  await signIn(page, person);
  await page.waitForURL((url) => url.pathname.includes('/account'));
}

/** Lets the demo client into the account of whoever is signed in. */
export async function allowed(page, facts, changes = {}) {
  await page.goto(authorizationUrl(facts, changes));
  await agree(page);
  await page.waitForURL((url) => url.pathname === '/callback');
}

/** The address of a logout request. */
const logoutUrl = ({ issuer }, parameters = {}) => `${issuer}/logout?${new URLSearchParams(parameters)}`;

/** Each brings a fresh browser page, at `signet`, into one state. */
export const states = {
  'sign-in': (page, { facts }) => page.goto(authorizationUrl(facts)),

  'sign-in-empty': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts));
    await signIn(page, { email: '', password: '' });
    await alertOf(page);
  },

  'sign-in-wrong-password': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts));
    await signIn(page, { email: 'a-person-with-quite-a-long-name-for-such-a-small-screen@example.com', password: 'not the password' });
    await alertOf(page);
  },

  'sign-in-too-many-attempts': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts));
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const next = page.waitForEvent('domcontentloaded');
      await signIn(page, { email: 'guessed@example.com', password: 'not the password' });
      await next;
      if (/too many|zu viele/i.test(await (await alertOf(page)).innerText())) return;
    }
    throw new Error('nobody stops the guessing');
  },

  'sign-up': (page, { facts }) => page.goto(authorizationUrl(facts, { prompt: 'create' })),

  'sign-up-wrong': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts, { prompt: 'create' }));
    await signUp(page, { email: 'a-person-with-quite-a-long-name-for-such-a-small-screen@', name: 'x'.repeat(256), password: 'password1' });
    await page.locator('[role=alert]').waitFor();
  },

  'sign-up-taken': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts, { prompt: 'create' }));
    await signUp(page, { email: facts.user.email, name: 'Robin', password: 'six words that make no sense' });
    await page.locator('[role=alert]').waitFor();
  },

  consent: async (page, { facts }) => {
    await page.goto(authorizationUrl(facts, { scope: 'openid profile email address phone' }));
    await signIn(page, facts.user);
    await page.locator('#allow').waitFor();
  },

  'sign-in-again': async (page, { facts }) => {
    await signedInAs(page, facts, facts.user);
    await page.goto(authorizationUrl(facts, { prompt: 'login' }));
  },

  'select-account': async (page, { facts }) => {
    await signedInAs(page, facts, facts.user);
    await signedInAs(page, facts, facts.admin);
    await page.goto(authorizationUrl(facts, { prompt: 'select_account' }));
    await page.locator('button.account').first().waitFor();
  },

  'form-post': async (page, { facts }) => {
    // Without the script that leaves the page at once.
    await page.route('**/assets/form-post.*', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }));
    await page.goto(authorizationUrl(facts, { prompt: 'none', response_mode: 'form_post' }));
  },

  'unknown-client': (page, { facts }) => page.goto(authorizationUrl(facts, { client_id: 'nobody' })),

  'unknown-redirect-uri': (page, { facts }) => page.goto(authorizationUrl(facts, { redirect_uri: 'https://attacker.example/callback' })),

  'missing-redirect-uri': (page, { facts }) => page.goto(authorizationUrl(facts, { redirect_uri: undefined })),

  'expired-sign-in': (page, { facts }) => page.goto(`${facts.issuer}/login?flow=00000000-0000-7000-8000-000000000000`),

  'other-browser': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts));
    const begun = page.url();
    await page.context().clearCookies();
    await page.goto(begun);
  },

  'not-found': (page, { facts }) => page.goto(`${facts.issuer}/no-such-page`),

  'unknown-tenant': (page, { facts }) => page.goto(`${facts.issuer}/t/no-such-tenant/authorize`),

  reference: (page, { facts }) => page.goto(`${facts.issuer}/docs`),

  'reference-found-nothing': async (page, { facts }) => {
    await page.goto(`${facts.issuer}/docs`);
    await page.fill('#search', 'no such operation');
    await page.locator('#nothing').waitFor();
  },

  landing: (page, { facts }) => page.goto(`${facts.issuer}/`),

  'landing-signed-in': async (page, { facts }) => {
    await signedInAs(page, facts, facts.admin);
    await page.goto(`${facts.issuer}/`);
  },

  'account-sign-in': (page, { facts }) => page.goto(`${facts.issuer}/account`),

  account: (page, { facts }) => atConsole(page, facts),

  'account-several': async (page, { facts }) => {
    await atConsole(page, facts);
    await page.click('.menu summary');
    await page.click('.menu .item');
    await signIn(page, facts.admin);
    await page.waitForURL((url) => url.pathname.endsWith('/account'));
    await page.click('.menu summary');
  },

  'account-profile': (page, { facts }) => atConsole(page, facts, '/profile'),

  'account-profile-saved': async (page, { facts }) => {
    await atConsole(page, facts, '/profile');
    await page.click('main button.primary');
    await page.locator('.notice').waitFor();
  },

  'account-profile-wrong': async (page, { facts }) => {
    await atConsole(page, facts, '/profile');
    await page.fill('#website', 'a-very-long-address-without-any-scheme-that-nobody-can-read-on-a-small-screen.example');
    await page.fill('#birthdate', '1.4.90');
    await page.click('main button.primary');
    await page.locator('[role=alert]').waitFor();
  },

  'account-profile-stale': async (page, { facts }) => {
    await atConsole(page, facts, '/profile');
    await page.locator('input[name=seen]').evaluate((input) => { input.value = '0'; });
    await page.fill('#nickname', 'Somebody else');
    await page.fill('#website', 'https://elsewhere.example/');
    await page.click('main button.primary');
    await page.locator('[role=alert]').waitFor();
  },

  'account-password': (page, { facts }) => atConsole(page, facts, '/password'),

  'account-password-wrong': async (page, { facts }) => {
    await atConsole(page, facts, '/password');
    await page.fill('#current', 'not the password');
    await page.fill('#new', 'password');
    await page.fill('#again', 'password');
    await page.click('main button.primary');
    await page.locator('[role=alert]').waitFor();
  },

  'account-password-missing': async (page, { facts }) => {
    await atConsole(page, facts, '/password');
    await page.click('main button.primary');
    await page.locator('[role=alert]').waitFor();
  },

  'account-sessions': async (page, { facts }) => {
    const other = await page.context().browser().newContext({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1' });
    await atConsole(await other.newPage(), facts);
    await other.close();
    await atConsole(page, facts, '/sessions');
  },

  'account-end-others': async (page, { facts }) => {
    await states['account-sessions'](page, { facts });
    await page.click('main .actions a');
    await page.locator('button.danger').waitFor();
  },

  'account-sessions-alone': async (page, { facts }) => {
    await states['account-end-others'](page, { facts });
    await page.click('button.danger');
    await page.locator('.notice').waitFor();
  },

  'account-signed-out': async (page, { facts }) => {
    await atConsole(page, facts);
    await page.click('.menu summary');
    await page.click('form[action$="/sign-out"] button');
    await page.waitForURL((url) => url.pathname.endsWith('/signed-out'));
  },

  'account-applications-none': async (page, { facts }) => {
    await atConsole(page, facts, '/applications', facts.admin);
    while (await page.locator('main .row').count()) {
      await page.locator('main .row a.secondary').first().click();
      await page.click('button.danger');
      await page.locator('.notice').waitFor();
    }
    await page.reload();
  },

  'account-applications': async (page, { facts }) => {
    await atConsole(page, facts, '/applications');
    await allowed(page, facts, { scope: 'openid profile email address phone' });
    await page.goto(`${facts.issuer}/account/applications`);
  },

  'account-withdraw': async (page, { facts }) => {
    await states['account-applications'](page, { facts });
    await page.click('main .row a.secondary');
    await page.locator('button.danger').waitFor();
  },

  'account-nothing-to-withdraw': async (page, { facts }) => {
    await atConsole(page, facts);
    await page.goto(`${facts.issuer}/account/applications/withdraw?client=nobody`);
  },

  'finished-sign-in': async (page, { facts }) => {
    await page.goto(authorizationUrl(facts));
    const begun = page.url();
    await page.click('#cancel');
    await page.waitForURL((url) => url.pathname === '/callback');
    await page.goto(begun);
  },
};

/** Where the application of the logout pages wants its users to be. */
const bye = redirectUri.replace('/callback', '/bye');

/** An application that leads its users to the logout pages, and shows a frame there; in the form of `facts`. */
export async function leavingClient(signet) {
  const about = ['Photo album', '--redirect-uri', redirectUri, '--post-logout-redirect-uri', bye, '--implied-consent'];
  const channels = ['--frontchannel-logout-uri', redirectUri.replace('/callback', '/leave'), '--client-uri', 'https://album.example'];
  return { ...signet.facts, browser_client: await signet.cli('client', 'create', ...about, ...channels) };
}

/** Signs somebody in to the application and asks to be signed out as it would. */
async function leaving(page, application) {
  const { code } = await answerTo(page, async () => {
    await page.goto(authorizationUrl(application));
    await signIn(page, application.user);
  });
  const { id_token } = await (await redeem(application, code)).json();
  await page.goto(logoutUrl(application, { id_token_hint: id_token, post_logout_redirect_uri: bye, state: 'x' }));
  return id_token;
}

/** The logout pages, of the application at `leaver`. */
export const logoutStates = {
  logout: async (page, { leaver }) => {
    await leaving(page, leaver);
    await page.locator('#logout-yes').waitFor();
  },

  'logout-asked-by-nobody': async (page, { facts }) => {
    await signedInAs(page, facts, facts.user);
    await page.goto(logoutUrl(facts));
    await page.locator('#logout-yes').waitFor();
  },

  'logout-several': async (page, { facts, leaver }) => {
    await signedInAs(page, facts, facts.user);
    await signedInAs(page, facts, facts.admin);
    await page.goto(logoutUrl(facts, { client_id: leaver.browser_client.client_id, logout_hint: facts.user.email }));
    await page.locator('#logout-yes').waitFor();
  },

  'logout-frames': async (page, { leaver }) => {
    // Without the script that leaves the page at once.
    await page.route('**/assets/frontchannel-logout.*', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }));
    await leaving(page, leaver);
    await page.click('#logout-yes');
    await page.locator('#continue').waitFor();
  },

  'logout-stayed': async (page, { leaver }) => {
    await leaving(page, leaver);
    await page.click('#logout-no');
    await page.waitForURL((url) => url.pathname === '/logout/confirm');
    await page.waitForLoadState();
  },

  'logout-done': (page, { facts }) => page.goto(logoutUrl(facts)),

  'logout-done-at-a-client': (page, { facts, leaver }) => page.goto(logoutUrl(facts, { client_id: leaver.browser_client.client_id })),

  'logout-without-proof': (page, { facts }) => page.goto(logoutUrl(facts, { post_logout_redirect_uri: bye })),

  'logout-with-a-false-proof': (page, { facts }) => page.goto(logoutUrl(facts, { id_token_hint: 'x', post_logout_redirect_uri: bye })),

  'logout-to-an-unknown-address': async (page, { facts, leaver }) => {
    const id_token = await leaving(page, leaver);
    await page.goto(logoutUrl(facts, { id_token_hint: id_token, post_logout_redirect_uri: 'https://attacker.example/' }));
  },

  'logout-of-an-unknown-client': (page, { facts }) => page.goto(logoutUrl(facts, { client_id: 'nobody' })),

  'logout-asked-twice': (page, { facts }) => page.goto(`${logoutUrl(facts, { state: 'x' })}&state=y`),

  'logout-from-elsewhere': async (page, { leaver }) => {
    await leaving(page, leaver);
    await page.locator('input[name=csrf]').evaluate((input) => { input.value = 'x'; });
    await page.click('#logout-yes');
    await page.waitForURL((url) => url.pathname === '/logout/confirm');
    await page.waitForLoadState();
  },
};

const logo = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="120" height="40" rx="8" fill="#7a1f5c"/><circle cx="20" cy="20" r="10" fill="#fff"/></svg>')}`;

/** A tenant with a brand of its own, colours that are hard to read on, and names that are too long. */
export const brandedTenant = (signet) => signet.tenant('branded', {
  name: 'Donaudampfschifffahrtsgesellschaft Niederösterreich & Partner',
  brand: ['--accent', '#ffd400', '--background', '#7a1f5c', '--logo', logo],
  client: [
    'Quarterly reports for everybody who works in one of the offices, <b>everywhere</b>',
    '--client-uri', 'https://reports.example', '--policy-uri', 'https://reports.example/privacy', '--tos-uri', 'https://reports.example/terms',
  ],
});

/** Pages of that tenant, at `branded`. */
export const brandedStates = {
  'branded-sign-in': (page, { branded }) => page.goto(authorizationUrl(branded)),

  'branded-sign-in-wrong-password': async (page, { branded }) => {
    await page.goto(authorizationUrl(branded));
    await signIn(page, { email: 'somebody@example.com', password: 'not the password' });
    await alertOf(page);
  },

  'branded-consent': async (page, { branded }) => {
    await page.goto(authorizationUrl(branded));
    await signIn(page, branded.user);
    await page.locator('#allow').waitFor();
  },

  'branded-account': (page, { branded }) => atConsole(page, branded),

  'branded-account-applications': async (page, { branded }) => {
    await atConsole(page, branded, '/applications');
    await allowed(page, branded);
    await page.goto(`${branded.issuer}/account/applications`);
    await page.click('.menu summary');
  },

  'branded-account-withdraw': async (page, { branded }) => {
    await atConsole(page, branded, '/applications');
    await allowed(page, branded);
    await page.goto(`${branded.issuer}/account/applications`);
    await page.click('main .row a.secondary');
    await page.locator('button.danger').waitFor();
  },

  'branded-logout': async (page, { branded }) => {
    await atConsole(page, branded);
    await page.goto(logoutUrl(branded, { client_id: branded.browser_client.client_id }));
    await page.locator('#logout-yes').waitFor();
  },

  'branded-failure': (page, { branded }) => page.goto(authorizationUrl(branded, { redirect_uri: 'https://attacker.example/callback' })),
};

/** The pages of the example application, at `example`. */
export const exampleStates = {
  'example-welcome': (page, { example }) => page.goto(example.url),

  'example-signed-in': async (page, { example, facts }) => {
    await page.goto(`${example.url}/login`);
    await signIn(page, facts.user);
    await page.waitForURL((url) => url.pathname === '/consent' || url.origin === example.url);
    if (new URL(page.url()).pathname === '/consent') await page.click('#allow');
    await page.locator('#id-token').waitFor();
  },

  'example-cancelled': async (page, { example }) => {
    await page.goto(`${example.url}/login`);
    await page.click('#cancel');
    await page.locator('#error').waitFor();
  },
};

/** The ways in which each is shown. */
export const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
  narrow: { colorScheme: 'dark', viewport: { width: 320, height: 640 } },
};
