import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

test('--version', async () => {
  expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('help on two levels, on stdout', async () => {
  const overview = await runCommand(['--help']);
  expect(overview).toMatchObject({ code: 0, stderr: '' });
  const verbs = [
    'index',
    'search',
    'detect',
    'embed',
    'eval',
    'serve',
    'index-info',
    'verify',
    'compact',
    'export',
    'doctor',
  ];
  for (const verb of verbs) expect(overview.stdout).toMatch(new RegExp(`^  ${verb} +\\S`, 'm'));

  const help = await Promise.all(verbs.map((verb) => runCommand([verb, '--help'])));
  for (const [place, verb] of verbs.entries()) {
    expect(help[place]).toMatchObject({ code: 0, stderr: '' });
    expect(help[place]?.stdout).toContain(`ner-retriever ${verb}`);
    for (const section of ['Usage', 'Flags', 'Examples']) expect(help[place]?.stdout).toContain(`\n${section}\n`);
  }
  expect(await runCommand(['help', 'index'])).toEqual(help[0]);
});

test.each([
  [[], /Usage/],
  [['serach', 'dinosaur'], /Unknown command "serach"\. .*Did you mean "search"\?/],
  [['help', 'serach'], /Did you mean "search"\?/],
  [['search', 'dinosaur', '--indx', 'x'], /Unknown option "--indx" .*Did you mean "--index"\?/],
  [['search', 'dinosaur'], /Expected --index, but received none\. Usage: ner-retriever search "TYPE" --index DIR/],
  [['search', '--index', 'x'], /Expected "TYPE" or --types FILE, but received none/],
  [['search', '', '--index', 'x'], /an empty TYPE/],
  [['search', 'operatic', 'soprano', '--index', 'x'], /Expected one TYPE, in quotes, but received 2 words/],
  [['search', 'x', '--types', 'y', '--index', 'x'], /Expected "TYPE" or --types FILE, but received both/],
  [['search', 'x', '--index', 'x', '--all', '--limit', '3'], /Expected --limit or --all, but received both/],
  [['search', 'x', '--index', 'x', '--json', '--jsonl'], /Expected --json or --jsonl, but received both/],
  [['search', 'x', '--index', 'x', '--limit', '0'], /Expected a whole number from 1 for --limit, but received "0"/],
  [['search', 'x', '--index', 'x', '--hybrid', '--min-score', '0.1'], /--hybrid or --min-score/],
  [['search', 'x', '--index', 'x', '--hybrid', '--min-score', 'auto'], /--hybrid or --min-score/],
  [['search', 'x', '--index', 'x', '--min-score', 'high'], /Expected a number or auto for --min-score/],
  [['index', '--index', 'x'], /Expected FILE… \(or - for standard input\), but received none/],
  [['index', 'a.jsonl'], /Expected --index, but received none/],
  [
    ['index', 'a.jsonl', '--index', 'x', '--mentions', 'all'],
    /Expected given or detect for --mentions, but received "all"/,
  ],
  [['index', '-', '--index', 'x', '--columns', 'key=a'], /Expected --columns id=NAME,text=NAME/],
  [['index', '-', '--index', 'x', '--workers', 'two'], /Expected a whole number from 1 for --workers/],
  [['embed', 'a.jsonl'], /Expected --out, but received none/],
  [['embed', 'a.jsonl', '--types', 'b', '--out', 'c'], /Expected FILE… or --types FILE, but received both/],
  [
    ['eval'],
    /Expected a data set \(multiconer2, fewnerd, neretrieve, conll, jsonl, silver\) or detection, but received none/,
  ],
  [['eval', 'multiconer', 'a.conll'], /did you mean "multiconer2"\?/],
  [['eval', 'multiconer2'], /Expected the files of multiconer2, but received none/],
  [['eval', 'detect'], /did you mean "detection"\?/],
  [
    ['eval', 'multiconer2', 'a', '--threshold', '0.3'],
    /Expected --threshold with detection, but received it with multic/,
  ],
  [
    ['eval', 'detection'],
    /Expected a data set for detection \(multiconer2, wnut17, fewnerd, conll\), but received none/,
  ],
  [['eval', 'detection', 'wnut', 'a'], /received "wnut" \(did you mean "wnut17"\?\)/],
  [['eval', 'detection', 'silver', 'a'], /Expected a data set for detection .*, but received "silver"/],
  [['eval', 'detection', 'wnut17'], /Expected the files of wnut17, but received none/],
  [['eval', 'detection', 'wnut17', 'a', '--mentions', 'given'], /Expected detection or --mentions, but received both/],
  [['eval', 'detection', 'wnut17', 'a', '--threshold', 'low'], /Expected a number for --threshold, but received "low"/],
  [['index-info'], /Expected --index, but received none/],
  [['serve', '--index', 'x', '--port', 'http'], /Expected a whole number from 0 for --port/],
  [['doctor', 'now'], /Expected nothing, but received "now"/],
] as const)('wrong usage: %j', async (words, message) => {
  const { code, stdout, stderr } = await runCommand(words);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([2, '']);
});
