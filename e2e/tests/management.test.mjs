// What operators see: health and metrics on a port of their own, and an end that nobody notices. On SQLite and on PostgreSQL.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Postgres } from '../lib/postgres.mjs';
import { freePort } from '../lib/process.mjs';
import { Signet } from '../lib/signet.mjs';

const token = 'the token of those who watch';

/** Status and body of an answer; `undefined` if nobody answers. */
async function ask(url, headers = {}) {
  try {
    const response = await fetch(url, { headers: { connection: 'close', ...headers } });
    return { status: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}

/** A token request whose body is yet to come: one that is under way. */
class UnderWay {
  #answer = '';

  static async begin(signet) {
    const { client_id, client_secret } = signet.facts.service_client;
    const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64');
    const body = 'grant_type=client_credentials';
    const request = new UnderWay();
    request.socket = connect(signet.port, '127.0.0.1');
    request.socket.setEncoding('utf8').on('data', (text) => { request.#answer += text; });
    request.closed = once(request.socket, 'close');
    await once(request.socket, 'connect');
    const head = ['POST /token HTTP/1.1', `host: 127.0.0.1:${signet.port}`, `authorization: Basic ${basic}`,
      'content-type: application/x-www-form-urlencoded', `content-length: ${body.length}`, 'expect: 100-continue', '', ''];
    request.socket.write(head.join('\r\n'));
    // The server reads the body, so the request has begun there.
    await once(request.socket, 'data');
    assert.match(request.#answer, /^HTTP\/1\.1 100 /);
    request.rest = body;
    return request;
  }

  /** Sends the body; the whole answer. */
  async finish() {
    this.socket.write(this.rest);
    await this.closed;
    return this.#answer.slice(this.#answer.indexOf('\r\n\r\n') + 4);
  }
}

/** A collector of traces, and what it was given. */
class Collector {
  given = '';

  static async start() {
    const collector = new Collector();
    collector.server = createServer(async (request, response) => {
      for await (const chunk of request) collector.given += chunk.toString('latin1');
      response.end();
    });
    collector.server.listen(0, '127.0.0.1');
    await once(collector.server, 'listening');
    collector.url = `http://127.0.0.1:${collector.server.address().port}`;
    return collector;
  }

  async stop() {
    this.server.close();
    await once(this.server, 'close');
  }
}

for (const kind of ['SQLite', 'PostgreSQL']) {
  describe(kind, () => {
    let signet;
    let postgres;
    let management;
    let collector;
    before(async () => {
      collector = await Collector.start();
      if (kind === 'PostgreSQL') postgres = await Postgres.start();
      const address = `127.0.0.1:${await freePort()}`;
      management = `http://${address}`;
      signet = await Signet.start({
        databaseUrl: postgres?.url,
        env: { SIGNET_MANAGEMENT__ADDRESS: address, SIGNET_MANAGEMENT__TOKEN: token, SIGNET_LISTEN__SHUTDOWN_DELAY: '2s', SIGNET_TRACES__ENDPOINT: collector.url },
      });
    });
    after(async () => {
      await signet?.stop();
      await postgres?.stop();
      await collector?.stop();
    });
    const watcher = { authorization: `Bearer ${token}` };

    test('health in detail and metrics are on the port of the management, for who has the token', async () => {
      await signet.program.until(async () => JSON.parse((await ask(`${management}/health/ready`, watcher)).body).status === 'ok');
      const { status, body } = await ask(`${management}/health/ready`, watcher);
      assert.equal(status, 200);
      const { checks, stopping } = JSON.parse(body);
      assert.equal(stopping, false);
      for (const check of ['database_read', 'database_write', 'migrations', 'signing_keys', 'background_work']) {
        assert.equal(checks[check].status, 'ok', body);
      }
      const stranger = await ask(`${management}/metrics`);
      assert.deepEqual([stranger.status, JSON.parse(stranger.body)], [401, { status: 'unauthorized' }]);
      assert.equal((await ask(`${management}/health/ready`)).body, '{"status":"ok"}');
      assert.equal((await ask(`${signet.url}/health/ready`)).body, '{"status":"ok"}');
      assert.equal((await ask(`${signet.url}/metrics`, watcher)).status, 404);

      // The database is counted in the background.
      await signet.program.until(async () => (await ask(`${management}/metrics`, watcher)).body.includes('\nauth_active_sessions 0\n'));
      const page = (await ask(`${management}/metrics`, watcher)).body;
      assert.match(page, /^signet_ready 1$/m);
      assert.match(page, /^signet_changes_followed 1$/m);
      assert.match(page, /^signet_http_requests_total\{route="\/health\/ready",method="GET",status="2xx"\} [1-9]/m);
      assert.ok(!page.includes(token));
    });

    test('at SIGTERM it is not ready any more, then accepts nothing more, and finishes what is under way', async () => {
      const request = await UnderWay.begin(signet);
      process.kill(signet.program.pid, 'SIGTERM');
      const ready = () => ask(`${signet.url}/health/ready`);
      await signet.program.until(async () => (await ready())?.status === 503);
      // Whoever shares out requests has time to notice: all else goes on.
      assert.equal((await ask(`${signet.url}/jwks`)).status, 200);
      assert.equal((await ask(`${signet.url}/health/live`)).status, 200);
      const told = JSON.parse((await ask(`${management}/health/ready`, watcher)).body);
      assert.deepEqual([told.stopping, told.status], [true, 'unavailable']);

      await signet.program.until(async () => await ready() === undefined);
      // Nobody is let in, and the one who is in isn't sent away.
      assert.equal((await ask(`${management}/health/ready`, watcher)).status, 503);
      assert.match((await ask(`${management}/metrics`, watcher)).body, /^signet_http_requests_active 1$/m);
      const answer = JSON.parse(await request.finish().then((text) => text.slice(text.indexOf('{'))));
      assert.equal(answer.token_type, 'Bearer');

      await signet.program.until(async () => signet.program.outcome !== undefined).catch(() => {});
      assert.equal(signet.program.outcome, 0, signet.program.output);
      assert.equal(await ask(`${management}/health/live`), undefined);
      // The last spans are given before the end.
      assert.ok(collector.given.includes('GET /jwks') && collector.given.includes('POST /token'));
      assert.ok(!collector.given.includes(signet.facts.service_client.client_secret));
      await signet.up();
    });
  });
}
