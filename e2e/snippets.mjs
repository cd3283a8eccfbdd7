// Copies the programs of examples/connecting into the pages of docs/connecting, and the discovery document into
// docs/specifications.md: `e2e/run snippets`.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { languages, page, pagePath, shownPart } from './lib/connecting.mjs';
import { root } from './lib/process.mjs';
import { Signet } from './lib/signet.mjs';
import { discoveryPattern, discoveryTable, specifications, specificationsPath } from './lib/specifications.mjs';

for (const language of languages) {
  const text = await page(language);
  const files = [...text.matchAll(/^<!-- (\S+) -->$/gm)].map(([, file]) => file);
  const parts = new Map(await Promise.all(files.map(async (file) => [file, shownPart(file, await readFile(path.join(root, file), 'utf8'))])));
  const pattern = /^(<!-- (\S+) -->\n```\w*\n)[^]*?^```$/gm;
  await writeFile(pagePath(language), text.replace(pattern, (_all, head, file) => `${head}${parts.get(file)}\`\`\``));
}

const signet = await Signet.start();
try {
  const document = await (await fetch(`${signet.issuer}/.well-known/openid-configuration`)).json();
  await writeFile(specificationsPath, (await specifications()).replace(discoveryPattern, () => discoveryTable(document)));
} finally {
  await signet.stop();
}
