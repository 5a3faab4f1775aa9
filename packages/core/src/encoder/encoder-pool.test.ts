import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ModelFolder } from '../model/model-folder.js';
import { openModelFolder } from '../model/model-folder.js';
import type { EncodeRequest } from './encode-request.js';
import { EncoderPool } from './encoder-pool.js';

/**
 * The pool with workers that do what the text of a request says. They are JavaScript in a URL, because a worker's file must be; the
 * real worker is tested through the built package.
 */
const worker = (first = '') =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    ${first}
    const { control } = workerData;
    const answer = (message) => { Atomics.store(control, 1, 0); Atomics.notify(control, 1); parentPort.postMessage(message); };
    const error = (code, message) => answer({ kind: 'error', error: { code, details: { reason: message }, message, stack: '' } });
    parentPort.on('message', (message) => {
      if (message.kind === 'close') { parentPort.close(); return; }
      const [text] = message.request.texts;
      if (text === 'exit') process.exit(3);
      if (text === 'throw') throw new Error('thrown in the worker');
      if (text === 'fail') return error(null, 'failed');
      if (text === 'no detector') return error('DETECTOR_MISSING', 'none');
      const until = Date.now() + Number(text);
      while (Date.now() < until) if (Atomics.load(control, 0) === 1) return answer({ kind: 'cancelled' });
      answer({ kind: 'result', result: { text } });
    });
    answer({ kind: 'ready' });`)}`,
  );

const model: ModelFolder = await openModelFolder(
  fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url)),
);

const open = (workers: number, first?: string) =>
  EncoderPool.open(model, { workers, threads: 1 }, undefined, 'cpu', worker(first));
const ask = (text: string) => ({ texts: [text] }) as unknown as EncodeRequest;

test('answers in order of asking, on all workers', async () => {
  const pool = await open(2);
  const finished: string[] = [];
  const started = Date.now();
  await Promise.all(['100', '101', '102', '103'].map((text) => pool.encode(ask(text)).then(() => finished.push(text))));
  expect(Date.now() - started).toBeGreaterThanOrEqual(200);
  expect(finished.slice(0, 2).sort()).toEqual(['100', '101']);
  await pool.close();
});

test('an urgent request does not stand behind what waits', async () => {
  const pool = await open(1);
  const finished: string[] = [];
  const ordinary = ['50', '51', '52'].map((text) => pool.encode(ask(text)).then(() => finished.push(text)));
  const urgent = ['1', '2'].map((text) => pool.encode(ask(text), { urgent: true }).then(() => finished.push(text)));
  await Promise.all([...ordinary, ...urgent]);
  expect(finished).toEqual(['50', '1', '2', '51', '52']);
  await pool.close();
});

test('carries errors over with code and details', async () => {
  const pool = await open(1);
  await expect(pool.encode(ask('fail'))).rejects.toMatchObject({
    code: 'ENCODER_FAILED',
    message: 'The encoder failed: failed',
    cause: expect.objectContaining({ message: 'failed' }),
  });
  await expect(pool.encode(ask('no detector'))).rejects.toMatchObject({
    code: 'DETECTOR_MISSING',
    details: { reason: 'none' },
  });
  await expect(pool.encode(ask('0'))).resolves.toEqual({ text: '0' });
  await pool.close();
});

test.each([
  ['exit', /its thread ended/],
  ['throw', /thrown in the worker/],
])('a worker that dies (%s) fails its own request; the others go on', async (text, message) => {
  const pool = await open(2);
  const other = pool.encode(ask('50'));
  await expect(pool.encode(ask(text))).rejects.toMatchObject({
    code: 'WORKER_LOST',
    message: expect.stringMatching(message),
  });
  await expect(other).resolves.toEqual({ text: '50' });
  expect(pool.size).toBe(1);
  await expect(pool.encode(ask('1'))).resolves.toEqual({ text: '1' });
  await pool.close();
});

test('when the last worker dies, what waits fails, and so does what comes later', async () => {
  const pool = await open(1);
  const waiting = [pool.encode(ask('exit')), pool.encode(ask('1')), pool.encode(ask('2'))];
  for (const outcome of await Promise.allSettled(waiting)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_LOST' } });
  }
  await expect(pool.encode(ask('1'))).rejects.toMatchObject({ code: 'WORKER_LOST' });
  await pool.close();
});

test('a worker that cannot start fails the opening with its reason', async () => {
  const failing = `if (workerData.threads) throw new Error('no model');`;
  await expect(open(2, failing)).rejects.toMatchObject({ code: 'ENCODER_FAILED', details: { reason: 'no model' } });
});

test('an abort rejects at once, frees the worker soon, and takes waiting requests back', async () => {
  const pool = await open(1);
  const controller = new AbortController();
  const running = pool.encode(ask('30000'), { signal: controller.signal });
  const waiting = pool.encode(ask('30001'), { signal: controller.signal });
  const behind = pool.encode(ask('1'));
  setTimeout(() => controller.abort(new Error('enough')), 50);
  await expect(running).rejects.toThrow('enough');
  await expect(waiting).rejects.toThrow('enough');
  await expect(behind).resolves.toEqual({ text: '1' });
  await expect(pool.encode(ask('1'), { signal: controller.signal })).rejects.toThrow('enough');
  await pool.close();
});

test('an aborted opening leaves no thread behind', async () => {
  const controller = new AbortController();
  const opening = EncoderPool.open(model, { workers: 2, threads: 1 }, controller.signal, 'cpu', worker());
  controller.abort(new Error('enough'));
  await expect(opening).rejects.toThrow('enough');
});

test('closing lets accepted requests finish and refuses new ones', async () => {
  const pool = await open(1);
  const accepted = [pool.encode(ask('50')), pool.encode(ask('51')), pool.encode(ask('52'))];
  const closed = pool.close();
  await expect(pool.encode(ask('1'))).rejects.toMatchObject({ code: 'ENCODER_CLOSED' });
  expect(await Promise.all(accepted)).toEqual([{ text: '50' }, { text: '51' }, { text: '52' }]);
  await closed;
  await pool.close();
});

test('closing while a worker dies ends too', async () => {
  const pool = await open(2);
  const dying = expect(pool.encode(ask('exit'))).rejects.toMatchObject({ code: 'WORKER_LOST' });
  const slow = pool.encode(ask('100'));
  await pool.close();
  await dying;
  await slow;
});
