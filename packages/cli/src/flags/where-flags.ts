import type { Where } from '@ner-retriever/core';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { Arguments } from './arguments.js';
import type { Flag } from './flag.js';

export const whereFlag: Flag = {
  name: 'where',
  value: 'CONDITION',
  repeated: true,
  help: `only documents whose metadata fits: lang=en, "year>=2000" (=, !=, <, <=, >, >=), or a whole filter as JSON: '{"tags": {"$in": ["a", "b"]}}'. All of several must hold`,
};

/** The filter of all --where together; undefined where there is none. */
export function readWhere(words: Arguments): Where | undefined {
  const conditions = words
    .all('where')
    .map((text) => (text.trimStart().startsWith('{') ? readJson(text) : readShort(text)));
  return conditions.length > 1 ? { $and: conditions } : conditions[0];
}

/** What is wrong with a filter that is JSON is for the search to say. */
function readJson(text: string): Where {
  try {
    return JSON.parse(text) as Where;
  } catch (error) {
    throw refused(text, `JSON that cannot be read (${(error as Error).message}): `);
  }
}

/** A path, a comparison, and a value: JSON where it is (2000, true, "2000"), else a string (en). */
function readShort(text: string): Where {
  const [, path, comparison, value] = /^(.+?)\s*(!=|>=|<=|=|>|<)\s*(.*)$/s.exec(text) ?? [];
  if (path === undefined || comparison === undefined || value === undefined) throw refused(text);
  return { [path.trim()]: { [operators[comparison as keyof typeof operators]]: readValue(value) } };
}

const operators = { '=': '$eq', '!=': '$ne', '>=': '$gte', '<=': '$lte', '>': '$gt', '<': '$lt' } as const;

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trimEnd();
  }
}

function refused(text: string, received = ''): NerRetrieverError {
  return new NerRetrieverError('OPTION_INVALID', {
    option: '--where',
    expected: `a condition (lang=en, "year>=2000") or a filter as JSON ('{"lang": "en"}')`,
    received: `${received}${JSON.stringify(text)}`,
  });
}
