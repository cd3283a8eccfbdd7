// What the documents say is so: links lead somewhere, and the page about specifications agrees with the server.
import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../lib/process.mjs';
import { Signet } from '../lib/signet.mjs';
import { discoveryPattern, discoveryTable, features, specifications } from '../lib/specifications.mjs';

let signet;
let document;
before(async () => {
  signet = await Signet.start();
  document = await (await fetch(`${signet.issuer}/.well-known/openid-configuration`)).json();
});
after(() => signet?.stop());

/** Every document that people read. */
async function documents() {
  const below = await readdir(path.join(root, 'docs'), { recursive: true });
  const others = ['README.md', 'CHANGELOG.md', 'e2e/README.md', 'examples/relying-party/README.md'];
  return [...below.filter((name) => name.endsWith('.md')).map((name) => path.join('docs', name)), ...others];
}

const links = (text) => [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/\[(?<text>[^\]]*)\]\((?<target>[^)\s]+)\)/g)].map(({ groups }) => groups);

/** The anchors that a document's headings have. */
const anchors = (text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\- ]/gu, '').replaceAll(' ', '-'));

test('every link in a document leads somewhere', async () => {
  const broken = [];
  let looked = 0;
  for (const name of await documents()) {
    const text = await readFile(path.join(root, name), 'utf8');
    for (const { target } of links(text).filter(({ target: to }) => !/^https?:/.test(to))) {
      looked += 1;
      const [file, anchor] = target.split('#');
      const to = file ? path.join(root, path.dirname(name), file) : path.join(root, name);
      const there = await stat(to).then(() => true, () => false);
      if (!there || (anchor && !anchors(await readFile(to, 'utf8')).includes(anchor))) broken.push(`${name}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(looked > 100, `only ${looked} links were found`);
});

test('each feature has its state, and evidence or a reason', async () => {
  const rows = features(await specifications());
  assert.ok(rows.length > 100, `only ${rows.length} rows were found`);
  const wrong = [];
  for (const { feature, state, where } of rows) {
    if (!['there', 'part', 'not yet', 'never'].includes(state)) wrong.push(`${feature}: ${state} is no state`);
    if (state === 'there' && !/\]\(|the only response type/.test(where)) wrong.push(`${feature}: nothing shows it`);
    if (state === 'never' && where.trim() === '') wrong.push(`${feature}: why not?`);
  }
  assert.deepEqual(wrong, []);
});

test('a test that is named is there', async () => {
  const missing = [];
  const text = await specifications();
  for (const { text: named, target } of links(text)) {
    const [, name] = named.match(/^`([a-z_0-9]+)`$/) ?? [];
    if (!name || !target.endsWith('.rs')) continue;
    const source = await readFile(path.join(root, 'docs', target), 'utf8');
    if (!source.includes(`fn ${name}`)) missing.push(`${name} in ${target}`);
  }
  assert.deepEqual(missing, []);
});

test('what is advertised is there, and what isn’t advertised isn’t', async () => {
  const wrong = [];
  let looked = 0;
  for (const { feature, state, where } of features(await specifications())) {
    const [, member, value] = where.match(/advertised: `(\w+)`(?: `([^`]+)`)?/) ?? [];
    if (!member) continue;
    looked += 1;
    const values = document[member] === undefined ? [] : [document[member]].flat().map(String);
    const advertised = value === undefined ? values.length > 0 : values.includes(value);
    if (advertised !== ['there', 'part'].includes(state)) wrong.push(`${feature} is ${state}, and ${member} is ${values.join(' ') || 'not there'}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(looked > 50, `only ${looked} features name what is advertised`);
});

test('the page has the discovery document as it is', async () => {
  const [shown] = (await specifications()).match(discoveryPattern) ?? [];
  assert.equal(shown, discoveryTable(document), 'write it anew: e2e/run snippets');
});
