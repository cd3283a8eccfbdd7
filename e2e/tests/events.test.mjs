// What others are told: by a webhook, whose signature is verified by the program in docs/events.md, and by the stream of the
// admin API. Also across a kill -9. On SQLite and on PostgreSQL.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Postgres } from '../lib/postgres.mjs';
import { temporaryFolder } from '../lib/process.mjs';
import { Signet } from '../lib/signet.mjs';

// The receiver is on this machine, and isn't kept waiting.
process.env.SIGNET_OUTBOUND__ALLOWED_NETWORKS = '127.0.0.0/8';
process.env.SIGNET_DELIVERIES__FIRST_PAUSE = '200ms';

/** Waits until something is there, for twenty seconds at most. */
async function until(found, what) {
  for (const begun = Date.now(); Date.now() - begun < 20_000; await sleep(20)) {
    const value = found();
    if (value) return value;
  }
  return assert.fail(`there is no ${what}`);
}

/** The receiver's `verify`, as the page on events has it. */
async function documented() {
  const page = await readFile(new URL('../../docs/events.md', import.meta.url), 'utf8');
  const [, program] = page.match(/```js\n(import \{ createHmac[^]*?)```/);
  const [folder, remove] = await temporaryFolder('receiver');
  const file = path.join(folder, 'verify.mjs');
  await writeFile(file, program);
  return { ...(await import(pathToFileURL(file))), remove };
}

/** A receiver of webhooks: it keeps what it gets, and answers `status`. */
class Receiver {
  status = 200;

  heard = [];

  async start() {
    this.server = createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      this.heard.push({ headers: request.headers, body: Buffer.concat(parts), status: this.status });
      response.writeHead(this.status).end();
    });
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}/hook`;
    return this;
  }

  /** The events that it took. */
  get taken() {
    return this.heard.filter(({ status }) => status === 200).map(({ body }) => JSON.parse(body));
  }
}

/** The stream of the admin API, read as it comes. */
class Stream {
  events = [];

  static async open(signet, token, headers = {}) {
    const stream = new Stream();
    stream.abort = new AbortController();
    const response = await fetch(`${signet.issuer}/v1/admin/events`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
      signal: stream.abort.signal,
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    stream.done = stream.read(response.body);
    return stream;
  }

  async read(body) {
    let text = '';
    try {
      for await (const part of body.pipeThrough(new TextDecoderStream())) {
        text += part;
        const messages = text.split('\n\n');
        text = messages.pop();
        for (const message of messages) this.take(message);
      }
    } catch {
      // The server was killed, or nobody listens any more.
    }
  }

  take(message) {
    const fields = Object.fromEntries(message.split('\n').map((line) => line.match(/^([a-z]*): ?([^]*)$/)?.slice(1) ?? ['', '']));
    if (fields.data) this.events.push({ id: Number(fields.id), type: fields.event, payload: JSON.parse(fields.data) });
  }

  close() {
    this.abort.abort();
    return this.done;
  }
}

for (const kind of ['SQLite', 'PostgreSQL']) {
  describe(kind, () => {
    let signet;
    let postgres;
    let receiver;
    let verify;
    let removeProgram;
    before(async () => {
      if (kind === 'PostgreSQL') postgres = await Postgres.start();
      signet = await Signet.start({ databaseUrl: postgres?.url });
      receiver = await new Receiver().start();
      ({ verify, remove: removeProgram } = await documented());
    });
    after(async () => {
      receiver?.server.close();
      await removeProgram?.();
      await signet?.stop();
      await postgres?.stop();
    });

    const token = async () => {
      const { client_id, client_secret } = signet.facts.service_client;
      const response = await fetch(`${signet.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${signet.issuer}/v1/admin` }),
      });
      assert.equal(response.status, 200);
      return (await response.json()).access_token;
    };

    /** A call of the admin API. */
    const admin = async (method, where, body) => {
      const response = await fetch(`${signet.issuer}/v1/admin/${where}`, {
        method,
        headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      assert.ok(response.ok, `${method} ${where}: ${response.status}`);
      return response.status === 204 ? undefined : response.json();
    };

    const signIn = async (agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0') => {
      const { email, password } = signet.facts.user;
      const response = await fetch(`${signet.issuer}/v1/auth/login`, {
        method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': agent }, body: JSON.stringify({ email, password }),
      });
      assert.equal(response.status, 200);
      return JSON.parse(Buffer.from((await response.json()).access_token.split('.')[1], 'base64url'));
    };

    test('a stream goes on as things happen, and after a kill -9 where it was', async () => {
      const stream = await Stream.open(signet, await token());
      const { sid } = await signIn();
      const login = await until(() => stream.events.find(({ type }) => type === 'auth:user.login'), 'auth:user.login');
      assert.equal(login.payload.session_id, sid);
      assert.equal(login.payload.position, login.id);
      assert.deepEqual([login.payload.device.browser, login.payload.device.system], ['Firefox', 'Linux']);
      const last = stream.events.at(-1).id;
      await signet.crash();
      await stream.done;
      // While nobody listens.
      const { sid: second } = await signIn();
      const again = await Stream.open(signet, await token(), { 'last-event-id': String(last) });
      const missed = await until(() => again.events.find(({ type }) => type === 'auth:user.login'), 'auth:user.login');
      assert.equal(missed.payload.session_id, second);
      const ids = [...stream.events, ...again.events].map(({ id }) => id);
      assert.deepEqual(ids, ids.map((_, place) => ids[0] + place), 'each once, in order, without a gap');
      await again.close();
    });

    test('a webhook is signed as the page says, and what was not taken comes again', async () => {
      const hook = await admin('POST', 'webhooks', { url: receiver.url, types: ['auth:user.login'] });
      const { sid } = await signIn();
      const { headers, body } = await until(() => receiver.heard[0], 'message');
      assert.equal(verify(hook.secret, headers, body), true);
      const event = JSON.parse(body);
      assert.deepEqual([event.type, event.session_id, event.id], ['auth:user.login', sid, headers['webhook-id']]);
      // Whoever changes anything of it is found out.
      assert.equal(verify(hook.secret, headers, Buffer.concat([body, Buffer.from(' ')])), false);
      assert.equal(verify(hook.secret, { ...headers, 'webhook-id': 'another' }, body), false);
      const stale = String(Number(headers['webhook-timestamp']) - 301);
      assert.equal(verify(hook.secret, { ...headers, 'webhook-timestamp': stale }, body), false);
      const other = await admin('POST', 'webhooks', { url: 'https://hooks.example.com/in', types: ['auth:tenant.created'] });
      assert.equal(verify(other.secret, headers, body), false);
      await admin('DELETE', `webhooks/${other.endpoint_id}`);

      // A receiver that is broken gets it again, also from a server that was killed in between.
      receiver.status = 503;
      const { sid: second } = await signIn();
      await until(() => receiver.heard.length > 1, 'second message');
      await signet.crash();
      receiver.status = 200;
      const taken = await until(() => receiver.taken.find(({ session_id }) => session_id === second), 'message that was tried again');
      const attempts = receiver.heard.filter(({ body: sent }) => JSON.parse(sent).id === taken.id);
      assert.ok(attempts.length > 1);
      for (const attempt of attempts) assert.equal(verify(hook.secret, attempt.headers, attempt.body), true);

      // During a rotation either secret verifies it.
      const rotated = await admin('POST', `webhooks/${hook.endpoint_id}/secret`, { grace_seconds: 3600 });
      const count = receiver.heard.length;
      await signIn();
      const both = await until(() => receiver.heard[count], 'message');
      for (const secret of [hook.secret, rotated.secret]) assert.equal(verify(secret, both.headers, both.body), true);
    });
  });
}
