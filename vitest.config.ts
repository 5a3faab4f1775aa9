import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: 'test/support/graph-fixtures.mjs',
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
