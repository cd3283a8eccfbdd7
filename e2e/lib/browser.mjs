// Headless Chromium, as Debian packages it, and a watch over what pages do wrong.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

/** Starts the browser that the tests of one file share. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
}

/**
 * Runs `visit` with a page in a fresh browser profile.
 *
 * Fails when a page breaks its own content security policy, throws, or asks a host that isn't this machine.
 */
export async function withPage(browser, options, visit) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const complaints = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    // Chromium also notes each answer of 400 and above, which some tests are about.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
  });
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== 'data:' && !['127.0.0.1', 'localhost'].includes(hostname)) complaints.push(`asked ${request.url()}`);
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const result = await visit(page, context);
    assert.deepEqual(complaints, []);
    return result;
  } finally {
    await context.close();
  }
}

/** Fills in the sign-in form and sends it. */
export async function signIn(page, { email, password }) {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
}

/** Fills in the form for a new account and sends it. */
export async function signUp(page, { email, name = '', password }) {
  await page.fill('#email', email);
  await page.fill('#name', name);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
}

/** Waits until a page says what is wrong, and is there as a whole; answers with the place where it says so. */
export async function alertOf(page) {
  const alert = page.locator('[role=alert]');
  await alert.waitFor();
  await page.waitForLoadState();
  return alert;
}

/** What a reader sees of a page. */
export const visibleText = (page) => page.locator('body').innerText();
