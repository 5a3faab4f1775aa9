import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** 'gnu' or 'musl' on Linux, else undefined. The process report says without starting anything. */
function libc(): 'gnu' | 'musl' | undefined {
  if (process.platform !== 'linux') return undefined;
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
}

/** This machine as the folders of prebuilt binaries are named: linux-x64-gnu, darwin-arm64, … */
export function platformName(): string {
  return [process.platform, process.arch, libc()].filter((part) => part !== undefined).join('-');
}

/** Where the addon may lie, first the binary that came with the package, then the one compiled in a clone. */
export function addonCandidates(): string[] {
  return [`../prebuilds/${platformName()}/ner_retriever.node`, '../build/Release/ner_retriever.node'];
}

/** Loads the first candidate that loads. If none does, one error says what each one said and what can be done. */
export function loadAddon(candidates: readonly string[] = addonCandidates()): unknown {
  const errors: Error[] = [];
  for (const candidate of candidates) {
    try {
      return require(candidate);
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  throw new AggregateError(errors, explain(candidates, errors));
}

function explain(candidates: readonly string[], errors: readonly Error[]): string {
  const tried = candidates.map((candidate, i) => `  ${candidate}: ${firstLine(errors[i])}`);
  return [
    `Could not load the native addon of NER Retriever for ${platformName()} (Node ${process.version}).`,
    'Tried, relative to this package:',
    ...tried,
    'What to do:',
    ...remedies(errors).map((remedy) => `  - ${remedy}`),
  ].join('\n');
}

function remedies(errors: readonly Error[]): string[] {
  const all = errors.map((error) => error.message).join('\n');
  const found: string[] = [];
  if (/NER_RETRIEVER_INSTRUCTION_SET|as instruction set/.test(all)) {
    found.push('Set the environment variable NER_RETRIEVER_INSTRUCTION_SET to scalar, avx2 or avx512, or unset it.');
  }
  if (/GLIBC_|GLIBCXX_|libc\.musl|ld-musl|ld-linux/.test(all)) {
    found.push('The binary is for another C library than this system has: install the package on this system itself.');
  }
  if (/invalid ELF header|wrong ELF class|mach-o|not a valid Win32 application|Exec format|file too short/i.test(all)) {
    found.push(
      'The binary is damaged or for another platform (was node_modules copied here?). Remove it and install again.',
    );
  }
  if (errors.every((error) => (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')) {
    found.push(`There is no binary here. If this is an installed package, it has none for ${platformName()}.`);
  }
  found.push(
    'In a clone of the repository, compile it: npm run build:native in packages/native (CMake and a C++17 compiler).',
  );
  return found;
}

function firstLine(error: Error | undefined): string {
  return (error?.message ?? 'unknown error').split('\n', 1)[0] as string;
}
