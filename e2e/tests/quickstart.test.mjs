// What somebody does in the first minute: start it, read what it prints, paste the lines.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Signet } from '../lib/signet.mjs';

const run = promisify(execFile);

let signet;
let began;
before(async () => {
  began = performance.now();
  signet = await Signet.start();
  began = performance.now() - began;
});
after(() => signet?.stop());

/** The lines to paste, as printed. */
const lines = () => signet.program.output.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('curl '));

test('it is ready within a minute', () => assert.ok(began < 60_000, `${began} ms`));

test('it prints the address, credentials and clients that dev.json has', () => {
  const { issuer, admin, user, browser_client: browser, service_client: service } = signet.facts;
  const printed = signet.program.output;
  for (const fact of [
    issuer, admin.email, admin.password, user.email, user.password, browser.client_id, browser.client_secret,
    ...browser.redirect_uris, service.client_id, service.client_secret,
  ]) assert.ok(printed.includes(fact), `${fact} in\n${printed}`);
});

test('the first line gets a token', async () => {
  const { stdout } = await run('bash', ['-c', lines()[0]]);
  const { access_token, token_type } = JSON.parse(stdout);
  assert.equal(access_token.split('.').length, 3);
  assert.equal(token_type.toLowerCase(), 'bearer');
});

test('the second line gets one and verifies it', async () => {
  const { stdout } = await run('bash', ['-c', lines()[1]]);
  assert.match(stdout, /services/);
  assert.match(stdout, /valid/i);
  assert.doesNotMatch(stdout, /invalid|not valid/i);
});

test('only their owner can read the passwords', async () => {
  assert.equal((await stat(path.join(signet.data, 'dev.json'))).mode & 0o077, 0);
});

test('the next start has the same facts', async () => {
  await signet.program.stop();
  await signet.up();
  const { stdout } = await run('bash', ['-c', lines()[0]]);
  assert.ok(JSON.parse(stdout).access_token);
});
