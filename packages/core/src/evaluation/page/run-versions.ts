import { createRequire } from 'node:module';

/** Versions of what decides figures and times: name -> version. */
export function runVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versionOf = (manifest: string) => (require(manifest) as { version: string }).version;
  return {
    '@ner-retriever/core': versionOf('../../../package.json'),
    'onnxruntime-node': versionOf('onnxruntime-node/package.json'),
    'Node.js': process.versions.node,
    [process.platform]: process.arch,
  };
}
