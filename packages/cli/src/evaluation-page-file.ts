import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { EvaluationReport } from '@ner-retriever/core/evaluation';

/** Refuses a file that cannot be written before the minutes that an evaluation takes. Nothing is written yet. */
export async function checkPageFile(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
    const there = await stat(file).catch(() => null);
    if (there?.isDirectory()) throw new Error('it is a folder; name a file');
    if (there !== null) await access(file, constants.W_OK);
  } catch (cause) {
    throw unwritable(file, cause as NodeJS.ErrnoException);
  }
}

/** Writes a report as an HTML page, with the command that was typed. */
export async function writePageFile(file: string, report: EvaluationReport): Promise<void> {
  const { evaluationPage, runVersions } = await import('@ner-retriever/core/evaluation');
  const command = ['ner-retriever', ...process.argv.slice(2)].map(quoted).join(' ');
  const page = evaluationPage(report, { command, date: new Date(), versions: runVersions() });
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw unwritable(file, cause as NodeJS.ErrnoException);
  }
}

/** As a shell would read it back. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function unwritable(file: string, cause: NodeJS.ErrnoException): NerRetrieverError {
  const reason = cause.code === 'ENOENT' ? 'there is no such folder' : cause.message;
  return new NerRetrieverError('FILE_UNWRITABLE', { file, reason }, { cause });
}
