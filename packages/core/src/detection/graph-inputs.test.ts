import { expect, test } from 'vitest';
import { detectorFault } from './detector-fault.js';
import type { DetectorFolder } from './detector-folder.js';
import { checkSignature, int64Feed } from './graph-inputs.js';
import type { Signature } from './session-messages.js';

const folder = { graph: '/models/a/model.onnx', fault: detectorFault('/models/a') } as DetectorFolder;
const expected = { input_ids: 'int64', span_mask: 'bool', token_type_ids: 'int64' } as const;
const fits: Signature = {
  inputs: { input_ids: 'int64', span_mask: 'bool' },
  outputs: { logits: 'float32', more: 'int64' },
};
const check = (signature: Partial<Signature>) => () =>
  checkSignature({ ...fits, ...signature }, expected, ['token_type_ids'], folder, 'token classifier');

test('a graph that takes what is known and gives logits fits', () => {
  expect(check({})).not.toThrow();
  expect(check({ inputs: { ...fits.inputs, token_type_ids: 'int64' } })).not.toThrow();
});

test.each([
  [
    'an input that is not known',
    { inputs: { ...fits.inputs, pixel_values: 'float32' } },
    /inputs among input_ids, span_mask, .*pixel_values/,
  ],
  [
    'an input of another type',
    { inputs: { ...fits.inputs, input_ids: 'int32' } },
    /int64 in the input input_ids .*received int32/,
  ],
  [
    'an input too few',
    { inputs: { input_ids: 'int64' } },
    /expected an input span_mask .*received input_ids\. Export the model again/,
  ],
  ['no logits', { outputs: { last_hidden_state: 'float32' } }, /an output logits .*last_hidden_state/],
  ['logits in float16', { outputs: { logits: 'float16' } }, /float32 in the output logits .*float16.*keep_io_types/],
] as const)('%s: refused by name', (_, signature, message) => {
  expect(check(signature)).toThrow(message);
});

test('whole numbers as int64', () => {
  expect(int64Feed(Int32Array.of(0, 1, 2 ** 31 - 1, 7), [2, 2])).toEqual({
    type: 'int64',
    data: BigInt64Array.of(0n, 1n, 2147483647n, 7n),
    dims: [2, 2],
  });
});
