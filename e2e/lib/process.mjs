// Programs that a test starts and stops again by process id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program that cargo built for these tests. */
export const built = (name) => path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), 'debug', name);

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A new folder; the function removes it. */
export async function temporaryFolder(name) {
  const folder = await mkdtemp(path.join(tmpdir(), `signet-e2e-${name}-`));
  return [folder, () => rm(folder, { recursive: true, force: true })];
}

/** A running program and what it printed so far. */
export class Program {
  #child;
  #exit;
  output = '';

  constructor(command, args, options = {}) {
    this.name = path.basename(command);
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => { this.output += text; });
    }
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => { this.output += String(error); resolve('error'); });
      this.#child.on('exit', (code, signal) => resolve(signal ?? code));
    });
    this.#exit.then((outcome) => { this.outcome = outcome; });
  }

  get pid() { return this.#child.pid; }

  /** Waits until `condition` holds, asking every 25 ms; fails when the program ends first or after `limit` ms. */
  async until(condition, limit = 60_000) {
    const deadline = Date.now() + limit;
    while (!await condition()) {
      if (this.outcome !== undefined) throw new Error(`${this.name} ended with ${this.outcome}:\n${this.output}`);
      if (Date.now() > deadline) throw new Error(`${this.name} isn't ready after ${limit} ms:\n${this.output}`);
      await sleep(25);
    }
  }

  /** Sends `signal` and waits for the end; SIGKILL after ten seconds. */
  async stop(signal = 'SIGTERM') {
    if (this.outcome === undefined) {
      this.#child.kill(signal);
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
      await this.#exit;
      clearTimeout(timer);
    }
    return this.outcome;
  }
}

/** True once `url` answers with a status below 500. */
export async function answers(url) {
  try {
    const response = await fetch(url, { redirect: 'manual' });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}
