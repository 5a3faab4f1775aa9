import { checkOption } from '../../check-options.js';
import { NerRetrieverError } from '../../errors.js';
import type { Condition, FieldPath } from './condition.js';
import type { Where, WhereValue } from './where.js';

/**
 * Reads and checks a filter.
 *
 * @param where what a user wrote; may be anything
 * @throws NerRetrieverError OPTION_INVALID, OPTION_UNKNOWN; both name the place in the filter: `where.$or[1].year.$gte`
 */
export function parseWhere(where: unknown): Condition {
  const condition = parseFilter(where, 'where', 0);
  const count = countOf(condition);
  checkOption(count <= mostConditions, 'where', `at most ${mostConditions} conditions`, count);
  return condition;
}

/** SQLite refuses what is larger by far; nobody writes that. */
const mostConditions = 200;
const deepestNesting = 20;
const longestPath = 16;

function parseFilter(where: unknown, place: string, depth: number): Condition {
  checkOption(isObject(where), place, 'an object of fields and what they must be', where);
  checkOption(depth <= deepestNesting, place, `at most ${deepestNesting} filters inside each other`, 'more');
  return allOf(
    Object.entries(where as Where)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => parseEntry(key, value, inside(place, key), depth)),
  );
}

function parseEntry(key: string, value: unknown, place: string, depth: number): Condition {
  switch (key) {
    case '$and':
    case '$or': {
      checkOption(Array.isArray(value) && value.length > 0, place, 'an array of at least one filter', value);
      const filters = (value as readonly unknown[]).map((each, index) =>
        parseFilter(each, `${place}[${index}]`, depth + 1),
      );
      return key === '$and' ? allOf(filters) : { kind: 'any', conditions: filters };
    }
    case '$not':
      return not(parseFilter(value, place, depth + 1));
    default:
      if (key.startsWith('$')) throw unknownOperator(key, 'where', ['$and', '$or', '$not']);
      return parseField(parsePath(key, place), value, place);
  }
}

function parseField(path: FieldPath, value: unknown, place: string): Condition {
  if (isScalar(value)) return { kind: 'among', path, values: [value] };
  checkOption(isObject(value), place, 'a string, a number, a boolean, null, or an object of operators', value);
  const operators = Object.entries(value as object).filter(([, operand]) => operand !== undefined);
  checkOption(operators.length > 0, place, 'an object of at least one operator', value);
  return allOf(
    operators.map(([operator, operand]) => parseOperator(path, operator, operand, inside(place, operator), place)),
  );
}

function parseOperator(path: FieldPath, operator: string, operand: unknown, place: string, field: string): Condition {
  switch (operator) {
    case '$eq':
      return { kind: 'among', path, values: [scalar(operand, place)] };
    case '$ne':
      return not({ kind: 'among', path, values: [scalar(operand, place)] });
    case '$in':
      return { kind: 'among', path, values: scalars(operand, place) };
    case '$nin':
      return not({ kind: 'among', path, values: scalars(operand, place) });
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte': {
      const ordered = typeof operand === 'string' || Number.isFinite(operand);
      checkOption(ordered, place, 'a number or a string', operand);
      return { kind: 'compared', path, by: comparisons[operator], value: operand as string | number };
    }
    case '$exists': {
      checkOption(typeof operand === 'boolean', place, 'true or false', operand);
      return operand ? { kind: 'exists', path } : not({ kind: 'exists', path });
    }
    default:
      if (operator.startsWith('$')) throw unknownOperator(operator, field, fieldOperators);
      // A nested object: equality of whole objects is not what anybody asks for.
      throw new NerRetrieverError('OPTION_INVALID', {
        option: field,
        expected: `operators (${fieldOperators.join(', ')}), or the field of an object after a dot ("author.name")`,
        received: `the field ${JSON.stringify(operator)}`,
      });
  }
}

const comparisons = { $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' } as const;

const fieldOperators = ['$eq', '$ne', ...Object.keys(comparisons), '$in', '$nin', '$exists'];

/** Cuts at dots; a backslash takes the next character as it stands. */
function parsePath(path: string, place: string): FieldPath {
  checkOption(/^(\\.|[^\\])*$/su.test(path), place, 'a character behind the backslash', 'none');
  const keys = [''];
  for (const [part] of path.matchAll(/\\.|[^\\.]+|\./gsu)) {
    if (part === '.') keys.push('');
    else keys.push(`${keys.pop()}${part.startsWith('\\') ? part.slice(1) : part}`);
  }
  checkOption(!keys.includes(''), place, 'keys with a dot between them', 'an empty key');
  checkOption(keys.length <= longestPath, place, `at most ${longestPath} keys`, keys.length);
  return keys;
}

function scalars(operand: unknown, place: string): readonly WhereValue[] {
  checkOption(Array.isArray(operand), place, 'an array of values', operand);
  return (operand as readonly unknown[]).map((each, index) => scalar(each, `${place}[${index}]`));
}

function scalar(operand: unknown, place: string): WhereValue {
  checkOption(isScalar(operand), place, 'a string, a number, a boolean or null', operand);
  return operand as WhereValue;
}

function isScalar(value: unknown): value is WhereValue {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** No array, no date, no map: what has fields to read. */
function isObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function allOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  return only && conditions.length === 1 ? only : { kind: 'all', conditions };
}

function not(condition: Condition): Condition {
  return { kind: 'not', condition };
}

function countOf(condition: Condition): number {
  if (condition.kind === 'not') return countOf(condition.condition);
  if ('conditions' in condition) return condition.conditions.reduce((sum, each) => sum + countOf(each), 1);
  return 1;
}

/** Where a key stands, as JavaScript would write it. */
function inside(place: string, key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `${place}.${key}` : `${place}[${JSON.stringify(key)}]`;
}

function unknownOperator(option: string, of: string, expected: readonly string[]): NerRetrieverError {
  return new NerRetrieverError('OPTION_UNKNOWN', { option, of, expected });
}
