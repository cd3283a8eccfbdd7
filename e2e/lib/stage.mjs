// The server and the browser that the tests of one file share: there before its first test, ended after its last.
// Each test file runs in a process of its own, so each that imports this has a pair of its own.
import { after } from 'node:test';
import { launch, withPage } from './browser.mjs';
import { Signet } from './signet.mjs';

export const signet = await Signet.start();
after(() => signet.stop());

export const browser = await launch();
after(() => browser.close());

/** A test's body: `visit` with a page in a fresh profile, which mustn't do what `withPage` watches for. */
export const inBrowser = (options, visit) => () => withPage(browser, options, visit);
