import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { binary, runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, lines } = workspace();

/** Starts the command and gathers what it says; stdin stays open. */
function start(...words: string[]) {
  const child = spawn(process.execPath, [binary, ...words]);
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const heard = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(said);
      if (match) return match;
      if (child.exitCode !== null) throw new Error(`The command ended without saying ${pattern}: ${said}`);
      await wait(20);
    }
  };
  return { child, heard };
}

async function end(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode ?? child.signalCode;
}

test('Ctrl-C ends an indexing run in order: exit 130, the same command resumes', async () => {
  const documents = Array.from({ length: 200 }, (_, number) => documentOf(`d${number}`, `Paris ${number}`, 'Paris'));
  const directory = path('interrupted');
  const flags = ['--index', directory, '--model', tinyModel];
  const { child, heard } = start('index', '-', ...flags);
  // The input never ends by itself.
  child.stdin.write(
    documents
      .slice(0, 150)
      .map((document) => `${JSON.stringify(document)}\n`)
      .join(''),
  );
  await wait(1500);
  child.kill('SIGINT');
  await heard(/Interrupted: finishing the current commit\. The same command resumes/);
  expect(await end(child)).toBe(130);

  const source = await lines('all.jsonl', documents);
  const again = await runCommand(['index', source, ...flags]);
  expect(again.code).toBe(0);
  const [, added, unchanged] = /(\d+) documents? added, 0 replaced, (\d+) unchanged/.exec(again.stderr) ?? [];
  expect(Number(added) + Number(unchanged)).toBe(200);
  const { stdout } = await runCommand(['search', 'city', '--index', directory, '--all', '--jsonl']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(200);
});

test('serve answers until SIGTERM, then ends with 0', async () => {
  const directory = path('served');
  const source = await lines('served.jsonl', [documentOf('a', '🙂 Microraptor flew.', 'Microraptor')]);
  await runCommand(['index', source, '--index', directory, '--model', tinyModel]);
  const { child, heard } = start('serve', '--index', directory, '--port', '0');
  const [, url] = await heard(/Listening on (http:\/\/127\.0\.0\.1:\d+)/);

  expect(await (await fetch(`${url}/v1/info`)).json()).toMatchObject({ documents: 1, mentions: 1 });
  const answer = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'dinosaur', limit: 5 }),
  });
  expect(await answer.json()).toMatchObject({
    hits: [
      {
        id: 'a',
        mention: { start: 3, end: 14, text: 'Microraptor' },
        document: { id: 'a', text: '🙂 Microraptor flew.' },
      },
    ],
  });
  const refused = await fetch(`${url}/v1/search`, { method: 'POST', body: 'query=x' });
  expect(refused.status).toBe(415);

  child.kill('SIGTERM');
  expect(await end(child)).toBe(0);
});
