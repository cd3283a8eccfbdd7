// docs/specifications.md, as tests and `e2e/run snippets` read it.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './process.mjs';

/** Where the page is. */
export const specificationsPath = path.join(root, 'docs', 'specifications.md');

/** Its text. */
export const specifications = () => readFile(specificationsPath, 'utf8');

/** The rows of its tables of features. */
export function features(text) {
  return [...text.matchAll(/^\| (?<feature>.+) \| (?<state>[a-z ]+) \| ?(?<where>.*) ?\|$/gm)].map(({ groups }) => ({ ...groups }))
    .filter(({ feature }) => feature !== 'feature');
}

/** The table of what the discovery document of `issuer` says. */
export function discoveryTable(document) {
  const value = (member) => (member === undefined ? '' : [member].flat()
    .map((one) => `\`${String(one).replace(document.issuer, 'https://id.example.com')}\``).join(' '));
  const rows = Object.entries(document).map(([member, values]) => `| \`${member}\` | ${value(values)} |\n`);
  return `<!-- discovery -->\n| member | value |\n|---|---|\n${rows.join('')}`;
}

/** The same table as the page has it. */
export const discoveryPattern = /^<!-- discovery -->\n(?:\|.*\n)*/m;
