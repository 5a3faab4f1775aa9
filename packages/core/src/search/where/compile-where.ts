import type { SqlCondition } from '../../index/catalog/catalog.js';
import type { Condition, FieldPath } from './condition.js';
import type { WhereValue } from './where.js';

/**
 * A filter as SQL over the table of documents. Every key and value is a parameter, and is bound as JSON, which SQLite then reads as it
 * reads the metadata: keys of any characters are exact (its own paths cannot write them all), and so are strings with a NUL or half
 * a surrogate pair, and numbers, which it rounds in its own way.
 */
export function compileWhere(condition: Condition): SqlCondition {
  const values: string[] = [];
  const bind = (value: unknown): string => `?${values.push(JSON.stringify(value))}`;
  return { sql: compile(condition, bind), values };
}

type Bind = (value: unknown) => string;

function compile(condition: Condition, bind: Bind): string {
  switch (condition.kind) {
    case 'all':
      return joined(condition.conditions, 'AND', '1', bind);
    case 'any':
      return joined(condition.conditions, 'OR', '0', bind);
    case 'not':
      return `NOT ${compile(condition.condition, bind)}`;
    case 'exists':
      return someField(condition.path, () => '1', bind);
    case 'among': {
      const list = bind(condition.values);
      const kinds = sqlTypes(condition.values);
      return someField(condition.path, (field) => someElement(field, (one) => isAmong(one, kinds, list)), bind);
    }
    case 'compared': {
      const { by, value } = condition;
      const bound = bind(value);
      const kinds = sqlTypes([value]);
      const test = (one: string) => `(${one}.type IN (${kinds}) AND ${one}.value ${by} (${bound} ->> '$'))`;
      return someField(condition.path, (field) => someElement(field, test), bind);
    }
  }
}

function joined(conditions: readonly Condition[], by: 'AND' | 'OR', ofNone: string, bind: Bind): string {
  if (conditions.length === 0) return ofNone;
  return `(${conditions.map((each) => compile(each, bind)).join(` ${by} `)})`;
}

/**
 * True where a field stands at the path and meets the test. Each key looks into an object, or into the objects of an array, with a
 * table of its own: k0 are the fields under the first key, e1 what they hold (an object, or an array's elements), k1 the fields of that.
 */
function someField(path: FieldPath, test: (table: string) => string, bind: Bind): string {
  const tables = path.map((_, depth) => {
    // A blob would be read as SQLite's binary JSON.
    if (depth === 0) return 'json_each(CAST(documents.metadata AS TEXT)) AS k0';
    const outer = `k${depth - 1}`;
    const each = `CASE ${outer}.type WHEN 'array' THEN ${outer}.value WHEN 'object' THEN '[' || ${outer}.value || ']' END`;
    const object = `CASE e${depth}.type WHEN 'object' THEN e${depth}.value END`;
    return `json_each(${each}) AS e${depth}, json_each(${object}) AS k${depth}`;
  });
  const keys = path.map((key, depth) => `k${depth}.key = (${bind(key)} ->> '$')`);
  return `EXISTS (SELECT 1 FROM ${tables.join(', ')} WHERE ${keys.join(' AND ')} AND ${test(`k${path.length - 1}`)})`;
}

/** True where the field meets the test, or one of its elements does where it holds an array. */
function someElement(field: string, test: (table: string) => string): string {
  const elements = `EXISTS (SELECT 1 FROM json_each(${field}.value) AS element WHERE ${test('element')})`;
  return `CASE ${field}.type WHEN 'array' THEN ${elements} ELSE ${test(field)} END`;
}

/** Equal in type and value: SQLite's own values do not tell true from 1, nor an object from its text. */
function isAmong(one: string, kinds: string, list: string): string {
  // Of true, false and null the type is the value.
  return `(${one}.type IN (${kinds}) AND (${one}.type IN ('true', 'false', 'null') OR ${one}.value IN (SELECT value FROM json_each(${list}) WHERE type IN ('text', 'integer', 'real'))))`;
}

/** What json_each calls the types of some values. */
function sqlTypes(values: readonly WhereValue[]): string {
  return [...new Set(values.map(sqlType))].join(', ');
}

function sqlType(value: WhereValue): string {
  if (typeof value === 'string') return "'text'";
  return typeof value === 'number' ? "'integer', 'real'" : `'${value}'`;
}
