// A PostgreSQL server for one test file: Debian's programs, a data folder of its own, a free port.
import { execFile } from 'node:child_process';
import { readdirSync, existsSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Program, freePort, temporaryFolder } from './process.mjs';

const run = promisify(execFile);

/** The folder with `initdb` and `postgres`, or undefined where PostgreSQL isn't installed. */
function programs() {
  const debian = '/usr/lib/postgresql';
  const folders = existsSync(debian) ? readdirSync(debian).sort((a, b) => b - a).map((version) => path.join(debian, version, 'bin')) : [];
  return [...folders, ...process.env.PATH.split(':')].find((folder) => existsSync(path.join(folder, 'initdb')));
}

/** PostgreSQL refuses to run as root, so there it runs as the user that Debian's package made. */
async function identity() {
  if (process.getuid() !== 0) return {};
  const id = async (option) => Number((await run('id', [option, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

export class Postgres {
  static async start() {
    const bin = programs();
    if (!bin) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
    const [folder, remove] = await temporaryFolder('postgres');
    const who = await identity();
    if (who.uid) await chown(folder, who.uid, who.gid);
    const data = path.join(folder, 'data');
    const options = { ...who, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
    await run(path.join(bin, 'initdb'), ['-D', data, '-U', 'signet', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options);
    const port = await freePort();
    const program = new Program(path.join(bin, 'postgres'), ['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1', '-c', 'max_connections=50'], options);
    await program.until(() => program.output.includes('ready to accept connections'));
    return Object.assign(new Postgres(), { url: `postgres://signet@127.0.0.1:${port}/postgres`, program, remove });
  }

  /** Ends the server, without waiting for its clients. */
  async stop() {
    await this.program.stop('SIGINT');
    await this.remove();
  }
}
