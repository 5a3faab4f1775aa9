import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';

test('doctor names everything that is needed, and fails where something of it is broken', async () => {
  const { code, stdout, stderr } = await runCommand(['doctor']);
  for (const subject of ['Node.js', 'machine', 'native addon', 'ONNX Runtime', 'tokenizers', 'SQLite']) {
    expect(stdout).toMatch(new RegExp(`^ok {6}${subject} +\\S`, 'm'));
  }
  expect(stdout).toMatch(/computes with (scalar|avx2|avx512)/);
  expect(stdout).toMatch(/^(ok|absent) +FAISS +\S/m);
  expect(stdout).toMatch(/^(ok|absent) +OpenBLAS +\S/m);
  expect(stdout).toMatch(/^(ok|broken) +bundled model +\S/m);
  expect(stderr).toBe('');
  expect(code).toBe(/^broken/m.test(stdout) ? 1 : 0);
});

test('an instruction set below the machine’s own is said', async () => {
  const { stdout } = await runCommand(['doctor'], { environment: { NER_RETRIEVER_INSTRUCTION_SET: 'scalar' } });
  expect(stdout).toMatch(/computes with scalar \(this processor has scalar/);
});
