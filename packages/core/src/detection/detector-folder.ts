import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TextTokenizer } from '../encoder/text-tokenizer.js';
import { NerRetrieverError } from '../errors.js';
import { externalDataLocationsOf } from '../model/external-data-locations.js';
import { staysInside } from '../model/stays-inside.js';
import { type DetectorFault, detectorFault } from './detector-fault.js';

export type Json = { readonly [key: string]: unknown };

/** A folder as exporters leave it: a graph, a tokenizer, and configurations. */
export interface DetectorFolder {
  /** Absolute path. */
  readonly directory: string;
  /** Absolute path of the graph. */
  readonly graph: string;
  /** Of the graph and its weights. */
  readonly bytes: number;
  readonly fault: DetectorFault;
  /** A configuration file that must be there. */
  json(name: string): Promise<Json>;
  /** A configuration file that may be missing: then null. */
  optionalJson(name: string): Promise<Json | null>;
  tokenizer(): Promise<TextTokenizer>;
}

/** @throws NerRetrieverError DETECTOR_MODEL_INVALID, MODEL_PATH_OUTSIDE. */
export async function openDetectorFolder(path: string): Promise<DetectorFolder> {
  const directory = resolve(path);
  const fault = detectorFault(directory);
  const graph = await findGraph(directory, fault);
  const optionalJson = (name: string) => readJson(directory, name, fault);
  return {
    directory,
    graph,
    bytes: await checkedBytes(directory, graph, fault),
    fault,
    optionalJson,
    json: async (name) => {
      const value = await optionalJson(name);
      if (value !== null) return value;
      throw fault(name, 'a file', 'none', 'Copy it from where the model is from, beside the graph.');
    },
    tokenizer: () => openTokenizer(directory, fault),
  };
}

async function findGraph(directory: string, fault: DetectorFault): Promise<string> {
  const list = (folder: string) =>
    readdir(folder).then(
      (names) => names.filter((name) => /^model.*\.onnx$/.test(name)).map((name) => join(folder, name)),
      () => [],
    );
  const graphs = [...(await list(join(directory, 'onnx'))), ...(await list(directory))];
  const chosen =
    graphs.find((path) => basename(path) === 'model.onnx') ?? (graphs.length === 1 ? graphs[0] : undefined);
  if (chosen !== undefined) return chosen;
  throw graphs.length === 0
    ? fault(
        'the graph',
        'onnx/model.onnx or model.onnx',
        'neither',
        'Name a folder with a model that was exported to ONNX.',
      )
    : fault(
        'the graph',
        'a file model.onnx, or one graph only',
        graphs.map((path) => basename(path)).join(', '),
        'Rename the one to use to model.onnx.',
      );
}

/** Weights outside the graph must lie beside it: ONNX Runtime opens whatever path the graph names. */
async function checkedBytes(directory: string, graph: string, fault: DetectorFault): Promise<number> {
  let bytes = (await stat(graph)).size;
  const broken = (received: string, cause?: unknown) =>
    fault(basename(graph), 'an ONNX graph', received, 'Copy or export the model again.', cause);
  let locations: string[];
  try {
    locations = externalDataLocationsOf(graph);
  } catch (cause) {
    if (cause instanceof RangeError) throw broken(`broken protobuf (${cause.message})`, cause);
    throw cause;
  }
  for (const location of locations) {
    if (!staysInside(location)) {
      throw new NerRetrieverError('MODEL_PATH_OUTSIDE', { directory, path: location });
    }
    const weights = await stat(join(dirname(graph), location)).catch(() => null);
    if (!weights?.isFile()) throw fault(location, 'a file beside the graph', 'none', 'Copy the whole folder again.');
    bytes += weights.size;
  }
  return bytes;
}

async function readJson(directory: string, name: string, fault: DetectorFault): Promise<Json | null> {
  let text: string;
  try {
    text = await readFile(join(directory, name), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fault(name, 'a file that can be read', (cause as Error).message, 'Copy the folder again.', cause);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (cause) {
    throw fault(name, 'JSON', (cause as Error).message, 'Copy the file again.', cause);
  }
  throw fault(name, 'a JSON object', text.slice(0, 20), 'Copy the file again.');
}

async function openTokenizer(directory: string, fault: DetectorFault): Promise<TextTokenizer> {
  try {
    return await TextTokenizer.open(join(directory, 'tokenizer.json'));
  } catch (cause) {
    const received = NerRetrieverError.isInstance(cause) ? String(cause.details.received) : (cause as Error).message;
    const remedy =
      "Save the model's fast tokenizer beside it: tokenizer.save_pretrained in Python's transformers writes it.";
    throw fault('tokenizer.json', 'a tokenizer', received, remedy, cause);
  }
}
