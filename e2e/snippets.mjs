// Copies the programs of examples/connecting into the pages of docs/connecting: `e2e/run snippets`.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { languages, page, pagePath, shownPart } from './lib/connecting.mjs';
import { root } from './lib/process.mjs';

for (const language of languages) {
  const text = await page(language);
  const files = [...text.matchAll(/^<!-- (\S+) -->$/gm)].map(([, file]) => file);
  const parts = new Map(await Promise.all(files.map(async (file) => [file, shownPart(file, await readFile(path.join(root, file), 'utf8'))])));
  const pattern = /^(<!-- (\S+) -->\n```\w*\n)[^]*?^```$/gm;
  await writeFile(pagePath(language), text.replace(pattern, (_all, head, file) => `${head}${parts.get(file)}\`\`\``));
}
