import { NerRetrieverError } from '../errors.js';
import type { CutOffConstants } from './cut-off-constants.js';
import type { ModelDescription } from './model-description.js';
import { staysInside } from './stays-inside.js';

type Json = { readonly [key: string]: unknown };

/**
 * Reads the text of a model.json, checking every field.
 *
 * @throws NerRetrieverError MODEL_INVALID (not JSON, a field that is missing or of another kind), MODEL_FORMAT_UNKNOWN,
 *   MODEL_PATH_OUTSIDE (a file name that leaves the folder).
 */
export function parseModelDescription(text: string, directory: string): ModelDescription {
  const invalid = (field: string, expected: string, received: unknown) =>
    new NerRetrieverError('MODEL_INVALID', {
      directory,
      field,
      expected,
      received: JSON.stringify(received) ?? 'nothing',
    });

  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new NerRetrieverError(
      'MODEL_INVALID',
      { directory, field: 'the file', expected: 'JSON', received: (cause as Error).message },
      { cause },
    );
  }
  const model = object(json, 'the file');
  if (model.format !== 1)
    throw new NerRetrieverError('MODEL_FORMAT_UNKNOWN', { directory, format: model.format, known: 1 });

  const encoder = object(model.encoder, 'encoder');
  const outputs = object(encoder.outputs, 'encoder.outputs');
  const tap = object(model.tap, 'tap');
  const padding = object(model.padding, 'padding');
  const detector = model.detector === null ? null : object(model.detector, 'detector');
  const files = object(model.files, 'files');

  const description: ModelDescription = {
    format: 1,
    name: string(model.name, 'name'),
    version: string(model.version, 'version'),
    license: string(model.license, 'license'),
    language: string(model.language, 'language'),
    encoder: {
      file: listed(encoder.file, 'encoder.file'),
      outputs: {
        tap: string(outputs.tap, 'encoder.outputs.tap'),
        detector: outputs.detector === null ? null : string(outputs.detector, 'encoder.outputs.detector'),
      },
      ...(encoder.data !== undefined && {
        data: array(encoder.data, 'encoder.data').map((name) => listed(name, 'encoder.data')),
      }),
      ...(encoder.batchDependent !== undefined && {
        batchDependent: boolean(encoder.batchDependent, 'encoder.batchDependent'),
      }),
    },
    tap: {
      block: integer(tap.block, 'tap.block', 0),
      tensor: string(tap.tensor, 'tap.tensor'),
      dimensions: integer(tap.dimensions, 'tap.dimensions', 1),
    },
    pooling: oneOf(model.pooling, 'pooling', ['last', 'first', 'mean'] as const),
    maximumTokens: integer(model.maximumTokens, 'maximumTokens', 4),
    padding: { id: integer(padding.id, 'padding.id', 0) },
    tokenizer: listed(model.tokenizer, 'tokenizer'),
    head: model.head === null ? null : listed(model.head, 'head'),
    dimensions: integer(model.dimensions, 'dimensions', 1),
    detector: detector && {
      labels: labels(detector.labels),
      threshold: fraction(detector.threshold, 'detector.threshold'),
    },
    ...(model.cutOff !== undefined && { cutOff: cutOffConstants(object(model.cutOff, 'cutOff')) }),
    files: Object.fromEntries(
      Object.entries(files).map(([name, entry]) => {
        inside(name);
        const field = `files["${name}"]`;
        const { bytes, sha256 } = object(entry, field);
        if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
          throw invalid(`${field}.sha256`, '64 lower-case hexadecimal digits', sha256);
        }
        return [name, { bytes: integer(bytes, `${field}.bytes`, 0), sha256 }];
      }),
    ),
  };
  if ((description.detector === null) !== (description.encoder.outputs.detector === null)) {
    throw invalid('detector', 'a detector exactly where encoder.outputs.detector names an output', model.detector);
  }
  if (description.head === null && description.dimensions !== description.tap.dimensions) {
    throw invalid(
      'dimensions',
      `${description.tap.dimensions}, the tap's own, where there is no head`,
      model.dimensions,
    );
  }
  return description;

  function object(value: unknown, field: string): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'an object', value);
    return value as Json;
  }
  function array(value: unknown, field: string): readonly unknown[] {
    if (!Array.isArray(value)) throw invalid(field, 'an array', value);
    return value;
  }
  function boolean(value: unknown, field: string): boolean {
    if (typeof value !== 'boolean') throw invalid(field, 'true or false', value);
    return value;
  }
  function string(value: unknown, field: string): string {
    if (typeof value !== 'string' || value === '') throw invalid(field, 'a string', value);
    return value;
  }
  function integer(value: unknown, field: string, least: number): number {
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw invalid(field, `an integer of at least ${least}`, value);
    return value as number;
  }
  function fraction(value: unknown, field: string): number {
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(field, 'a number from 0 to 1', value);
    return value;
  }
  function number(value: unknown, field: string): number {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'a number', value);
    return value;
  }
  function cutOffConstants(constants: Json): CutOffConstants {
    const scoreWeight = number(constants.scoreWeight, 'cutOff.scoreWeight');
    if (scoreWeight <= 0) throw invalid('cutOff.scoreWeight', 'a number above 0', scoreWeight);
    const typeShare = number(constants.typeShare, 'cutOff.typeShare');
    if (typeShare <= 0 || typeShare >= 1) throw invalid('cutOff.typeShare', 'a number above 0 and below 1', typeShare);
    return {
      intercept: number(constants.intercept, 'cutOff.intercept'),
      scoreWeight,
      backgroundWeight: number(constants.backgroundWeight, 'cutOff.backgroundWeight'),
      typeShare,
      typeShareWeight: fraction(constants.typeShareWeight, 'cutOff.typeShareWeight'),
    };
  }
  function oneOf<const T extends string>(value: unknown, field: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw invalid(field, `one of ${allowed.join(', ')}`, value);
    return found;
  }
  function labels(value: unknown): readonly ['O', 'B', 'I'] {
    if (!Array.isArray(value) || value.join() !== 'O,B,I') throw invalid('detector.labels', '["O","B","I"]', value);
    return ['O', 'B', 'I'];
  }
  /** A file that the folder holds: its size and hash are under `files`. */
  function listed(value: unknown, field: string): string {
    const name = inside(string(value, field));
    if (!Object.hasOwn(files, name)) throw invalid(field, 'a name that `files` lists', value);
    return name;
  }
  function inside(name: string): string {
    if (!staysInside(name)) throw new NerRetrieverError('MODEL_PATH_OUTSIDE', { directory, path: name });
    return name;
  }
}
