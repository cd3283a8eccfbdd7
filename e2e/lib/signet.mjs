// A Signet server for one test file, with a data folder of its own.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { registeredRedirectUri } from './authorization.mjs';
import { Program, answers, built, freePort, temporaryFolder } from './process.mjs';

const run = promisify(execFile);

export class Signet {
  /**
   * Starts `signet serve --dev` on a free port and waits until it is ready. Without `databaseUrl`: SQLite inside; `env`:
   * settings of the configuration.
   */
  static async start({ databaseUrl, env = {} } = {}) {
    const [data, remove] = await temporaryFolder('data');
    const signet = new Signet(await freePort(), data, remove);
    signet.options = databaseUrl ? ['--database-url', databaseUrl] : [];
    signet.env = { ...process.env, ...env };
    await signet.up();
    signet.facts = JSON.parse(await readFile(path.join(data, 'dev.json'), 'utf8'));
    return signet;
  }

  constructor(port, data, remove) {
    this.port = port;
    this.data = data;
    this.url = `http://127.0.0.1:${port}`;
    this.remove = remove;
  }

  get issuer() { return this.facts.issuer; }

  /** Starts the server on the data that are there. */
  async up() {
    const address = `127.0.0.1:${this.port}`;
    this.program = new Program(built('signet'), ['serve', '--dev', '--listen', address, '--data', this.data, ...this.options], { env: this.env });
    await this.program.until(() => answers(`${this.url}/health/ready`));
  }

  /** Ends the server as a power cut would, then starts it again on the same data. */
  async crash() {
    await this.program.stop('SIGKILL');
    await this.up();
  }

  /** Runs `signet ARGS --data FOLDER --format json` beside the server and parses what it prints. */
  async cli(...args) {
    const { stdout } = await run(built('signet'), [...args, '--data', this.data, '--format', 'json']);
    return JSON.parse(stdout);
  }

  /**
   * Makes a tenant with a person and a client, beside the running server; in the form of `facts`.
   *
   * The person has the demo user's e-mail address and another password: the same name, somebody else.
   */
  async tenant(slug, { name = `The people of ${slug}`, brand = [], client: about = ['Reports'] } = {}) {
    const { email } = this.facts.user;
    const { issuer, tenant_id } = await this.cli('tenant', 'create', slug, '--name', name, ...brand);
    const user = await this.cli('user', 'create', '--tenant', slug, '--email', email, '--generate-password');
    const client = await this.cli('client', 'create', ...about, '--tenant', slug, '--redirect-uri', registeredRedirectUri);
    return { issuer, tenant_id, user: { email, password: user.password }, browser_client: client };
  }

  /** Ends the server and removes its data. */
  async stop() {
    const outcome = await this.program.stop();
    await this.remove();
    return outcome;
  }
}
