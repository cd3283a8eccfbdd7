// The programs of docs/connecting, one a library, and what their pages say.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { HttpBrowser } from './http-browser.mjs';
import { Program, answers, built, freePort, root } from './process.mjs';

const run = promisify(execFile);
const examples = path.join(root, 'examples', 'connecting');
const target = path.dirname(path.dirname(built('signet')));

/** How each program is started: a command, in the folder of the program. */
const commands = {
  node: [process.execPath, 'app.mjs'],
  python: [path.join(root, 'e2e', '.venv', 'bin', 'python'), 'app.py'],
  rust: [built('connecting')],
  go: [path.join(target, 'connecting-go')],
  java: ['java', '-XX:TieredStopAtLevel=1', '-cp', 'target/classes:target/dependency/*', 'SignIn'],
};

/** The languages that have a page. */
export const languages = Object.keys(commands);

/** Where a page of docs/connecting is. */
export const pagePath = (name) => path.join(root, 'docs', 'connecting', `${name}.md`);

/** Its text. */
export const page = (name) => readFile(pagePath(name), 'utf8');

/** What a page shows of a file: all of it, but of a Cargo.toml only what isn't about our workspace. */
export const shownPart = (file, text) => (file.endsWith('Cargo.toml') ? text.slice(text.indexOf('[dependencies]')) : text);

/** The blocks of code in a page: what kind, which file they show (said in a comment above), and their text. */
export function blocks(text) {
  const pattern = /(?:^<!-- (?<file>\S+) -->\n)?^```(?<kind>\w*)\n(?<code>[^]*?)^```$/gm;
  return [...text.matchAll(pattern)].map(({ groups }) => ({ ...groups }));
}

/** Registers a client at `signet` by the command that the page has. */
export async function register(signet, language) {
  const command = blocks(await page(language)).filter(({ kind }) => kind === 'sh').map(({ code }) => code)
    .find((code) => code.startsWith('signet client create'));
  assert.ok(command, `the page about ${language} doesn't say how to register a client`);
  const text = `signet() { "$SIGNET" "$@" --data "$DATA" --format json; }\n${command}`;
  const { stdout } = await run('bash', ['-c', text], { env: { ...process.env, SIGNET: built('signet'), DATA: signet.data } });
  return JSON.parse(stdout);
}

/** A running program. */
export class Application {
  static async start(language, { issuer, client_id, client_secret }) {
    const port = await freePort();
    const [command, ...args] = commands[language];
    const env = { ...process.env, ISSUER: issuer, CLIENT_ID: client_id, CLIENT_SECRET: client_secret, PORT: String(port) };
    const program = new Program(command, args, { cwd: path.join(examples, language), env });
    const application = new Application(`http://127.0.0.1:${port}`, program);
    await program.until(() => answers(`${application.url}/`));
    return application;
  }

  constructor(url, program) {
    this.url = url;
    this.program = program;
  }

  /** Begins a sign-in; answers with the address that the browser is sent to. */
  async begin(browser) {
    const { status, text, location } = await browser.request(`${this.url}/login`);
    assert.ok(status === 302 || status === 303, `${status} ${text}`);
    return location;
  }

  /** Comes back to the callback; answers with the claims that the program shows. */
  async signedIn(browser, address) {
    const { status, text } = await browser.request(address);
    assert.equal(status, 200, `${text}\n${this.program.output}`);
    return JSON.parse(text);
  }

  /** Comes back to the callback, which must refuse; answers with what the program logged meanwhile. */
  async refused(browser, address) {
    const before = this.program.output.length;
    const { status, text } = await browser.request(address);
    assert.deepEqual([status, text.trim()], [400, 'You are not signed in.']);
    await this.program.until(() => this.program.output.includes('\n', before), 5_000);
    return this.program.output.slice(before);
  }

  stop() { return this.program.stop(); }
}

/** Does what a person does at Signet, by HTTP: signs in, agrees. Answers with the callback's address and its parameters. */
export async function signInAt(signet, browser, address) {
  let answer = { location: address };
  for (let step = 0; step < 12; step += 1) {
    const url = answer.location;
    if (!url.startsWith(signet.url)) return url;
    answer = await browser.request(url);
    if (answer.status !== 200) continue;
    const { action, fields } = HttpBrowser.form(answer, url);
    const { email, password } = signet.facts.user;
    const filled = new URL(url).pathname.endsWith('/consent') ? { decision: 'allow' } : { email, password };
    answer = await browser.request(action, { ...fields, ...filled });
    assert.equal(answer.status, 303, answer.text);
  }
  throw new Error('the sign-in comes to no end');
}
