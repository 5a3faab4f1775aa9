/**
 * Every error that this project throws on purpose: code -> message -> HTTP status -> exit code, in one table.
 * A message says what was expected, what came, and what to do. docs/errors.md is checked against this table.
 */

/** The facts of an error, as fields: a message is made from them, and programs read them. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

interface ErrorKind {
  /** HTTP status of the server's answer. */
  readonly status: number;
  /** Exit code of the command line: 1 something was refused or failed, 2 wrong usage. */
  readonly exitCode: 1 | 2;
  /** `details` always carries what the message names. */
  readonly message: (details: ErrorDetails) => string;
}

function didYouMean(d: ErrorDetails): string {
  return d.nearest ? ` Did you mean "${d.nearest}"?` : '';
}

const kinds = {
  OPTION_UNKNOWN: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Unknown option "${d.option}" for ${d.of}. Expected one of: ${(d.expected as string[]).join(', ')}.${didYouMean(d)}`,
  },
  OPTION_INVALID: {
    status: 400,
    exitCode: 2,
    message: (d) => `Expected ${d.expected} for ${d.option}, but received ${d.received}.`,
  },
  COMMAND_UNKNOWN: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Unknown command "${d.command}". Expected one of: ${(d.expected as string[]).join(', ')}.${didYouMean(d)}`,
  },
  ARGUMENTS_INVALID: {
    status: 400,
    exitCode: 2,
    message: (d) => `Expected ${d.expected}, but received ${d.received}. Usage: ${d.usage}`,
  },
  FILE_UNREADABLE: {
    status: 400,
    exitCode: 1,
    message: (d) => `Cannot read "${d.file}": ${d.reason}.`,
  },
  CORPUS_MALFORMED: {
    status: 400,
    exitCode: 1,
    message: (d) => `${d.file}:${d.line}: expected ${d.expected}, but received ${d.received}.`,
  },
  FILE_UNWRITABLE: {
    status: 500,
    exitCode: 1,
    message: (d) => `Cannot write "${d.file}": ${d.reason}.`,
  },
  OUTPUT_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The output is not complete: ${d.reason}. Free some space, or send it elsewhere, and run the command again.`,
  },
  HOST_REFUSED: {
    status: 403,
    exitCode: 1,
    message: (d) =>
      `This service does not answer to the Host ${JSON.stringify(d.host)}. Expected one of: ${(d.expected as string[]).join(', ')}. Start it with that name allowed, if it is yours.`,
  },
  ORIGIN_REFUSED: {
    status: 403,
    exitCode: 1,
    message: (d) =>
      `Pages of ${JSON.stringify(d.origin)} may not call this service. Start it with that origin allowed, if it is yours.`,
  },
  ROUTE_UNKNOWN: {
    status: 404,
    exitCode: 1,
    message: (d) => `There is nothing at ${d.route}. Expected GET /health, GET /v1/info or POST /v1/search.`,
  },
  BODY_TYPE_REFUSED: {
    status: 415,
    exitCode: 1,
    message: (d) => `Expected a body with Content-Type: ${d.expected}, but received another one.`,
  },
  BODY_TOO_LARGE: {
    status: 413,
    exitCode: 1,
    message: (d) => `Expected a body of at most ${d.maximumBytes} bytes, but received more. Send it in parts.`,
  },
  REQUEST_INVALID: {
    status: 400,
    exitCode: 1,
    message: (d) => `The request is not valid: ${d.field}: ${d.reason}.`,
  },
  LISTEN_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) => `Cannot listen on ${d.host}:${d.port}: ${d.reason}. Choose another address or port.`,
  },
  UNEXPECTED: {
    status: 500,
    exitCode: 1,
    message: () => 'Something failed that should not fail. The log of the service says what.',
  },
  MODEL_NOT_FOUND: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `Expected a model folder at ${d.directory}, but its model.json cannot be read (${d.reason}). Name a folder that holds one, or leave the model out for the bundled one.`,
  },
  MODEL_INVALID: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The model in ${d.directory} is broken: expected ${d.expected} for ${d.field}, but received ${d.received}. Install the model again.`,
  },
  MODEL_FORMAT_UNKNOWN: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `Expected a model folder of format ${d.known} in ${d.directory}, but received format ${JSON.stringify(d.format)}. Use a version of NER Retriever that knows it, or a model of that format.`,
  },
  MODEL_PATH_OUTSIDE: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The model in ${d.directory} names the file ${JSON.stringify(d.path)}; expected a path that stays in its folder. Do not use this model unless you know where it is from.`,
  },
  MODEL_FILE_MISSING: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `Expected the file ${d.file} in the model folder ${d.directory}, but there is none. Copy the whole folder again.`,
  },
  MODEL_FILE_CHANGED: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `${d.file} in the model folder ${d.directory} is not the file that model.json describes: expected ${d.expected}, but received ${d.received}. Copy the whole folder again.`,
  },
  MODEL_SOURCE_INCOMPLETE: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `Expected ${d.missing} in the model source ${d.directory}, but it is not there. What to do: ${d.remedy}.`,
  },
  MODEL_ALREADY_PREPARED: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `${d.source} is a prepared model: expected an uncut one, but received one that was cut before. Use it as it is: --model ${d.source}`,
  },
  MODEL_GRAPH_BROKEN: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file} is no ONNX graph that can be read: expected ${d.expected}, but received ${d.received}. Download or export the model again.`,
  },
  MODEL_GRAPH_REFUSED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `ONNX Runtime ${d.runtime} does not take the graph of ${d.file}: ${d.reason}. Export the model again with operators and an opset that it knows.`,
  },
  MODEL_WEIGHTS_MISSING: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The weights of ${d.tensor} should be in ${d.file}: expected ${d.expected}, but received ${d.received}. Download or copy all files of the model again.`,
  },
  MODEL_INPUT_UNKNOWN: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The graph ${d.file} wants inputs that a text does not give: expected token ids, an attention mask [batch, tokens], token types, positions and an empty cache, but received ${d.received}. Export the model for feature extraction or text generation.`,
  },
  MODEL_BLOCK_MISSING: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `There is no ${d.tap} of block ${d.block} in ${d.file}: expected ${d.expected}. "ner-retriever model inspect" lists what there is; --tap-tensor NAME takes a tensor by its name.`,
  },
  MODEL_TAP_AMBIGUOUS: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `The ${d.tap} of block ${d.block} in ${d.file} can be any of: ${(d.candidates as string[]).join(', ')}. Choose one with --tap-tensor NAME.`,
  },
  MODEL_TENSOR_MISSING: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `There is no tensor ${JSON.stringify(d.tensor)} in ${d.file}.${didYouMean(d)} "ner-retriever model inspect" lists what there is.`,
  },
  MODEL_TAP_UNUSABLE: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `The tensor ${JSON.stringify(d.tensor)} of ${d.file} cannot be the tap: expected one vector a token, but received ${d.received}. Choose another with --tap-tensor NAME.`,
  },
  MODEL_TOKENIZER_MISMATCH: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The tokenizer ${d.file} does not belong to this model: expected ids below ${d.expected}, the rows of its embedding, but it gives ids up to ${d.received}. Copy the tokenizer.json that came with the model.`,
  },
  MODEL_FOLDER_TAKEN: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `"${d.directory}" is there already and not empty. Name another folder for the model, or remove this one.`,
  },
  HUB_UNREACHABLE: {
    status: 503,
    exitCode: 1,
    message: (d) =>
      `Cannot reach ${d.endpoint} (${d.reason}), and the cache does not have all of "${d.id}". There is no folder of that name either. Check the network and the environment variable HF_ENDPOINT, and run it again to go on; or name a local folder.`,
  },
  HUB_OFFLINE: {
    status: 503,
    exitCode: 1,
    message: (d) =>
      `HF_HUB_OFFLINE is set, and ${d.cache} does not have all of "${d.id}" at revision "${d.revision}". Unset it to download the model, or name a local folder.`,
  },
  HUB_ACCESS_DENIED: {
    status: 403,
    exitCode: 1,
    message: (d) =>
      `${d.endpoint} does not give "${d.id}": ${d.reason} (${d.token}). Check the id; accept the model's licence at ${d.endpoint}/${d.id}, then set HF_TOKEN to a token of that account.`,
  },
  HUB_NOT_FOUND: {
    status: 404,
    exitCode: 1,
    message: (d) =>
      `${d.endpoint} has no ${d.what} of "${d.id}", and there is no folder of that name. Check the id and the revision; for a private model set HF_TOKEN.`,
  },
  HUB_FAILED: {
    status: 502,
    exitCode: 1,
    message: (d) =>
      `Asked for ${d.what} of "${d.id}", ${d.endpoint} gave ${d.received}. Try again later, or check the environment variable HF_ENDPOINT.`,
  },
  HUB_FILE_CORRUPT: {
    status: 502,
    exitCode: 1,
    message: (d) =>
      `${d.file} of "${d.id}" did not come from ${d.endpoint} as it should: expected the hash ${d.expected}, but received ${d.received}. It was thrown away; run it again, and if this comes again, ask who looks after the network or the mirror.`,
  },
  HUB_CACHE_UNWRITABLE: {
    status: 507,
    exitCode: 1,
    message: (d) =>
      `Cannot write to the cache ${d.directory}: ${d.reason}. Free some space or name another folder in the environment variable HF_HOME; what was downloaded is kept.`,
  },
  MODEL_NOT_PREPARED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `Expected a prepared model (with a model.json) in the repository "${d.id}", but there is none. Prepare it: ner-retriever model prepare ${d.id} --block N --out DIR, then name DIR.`,
  },
  MODEL_NOT_EXPORTED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `Expected an ONNX export (onnx/model.onnx or model.onnx) in the repository "${d.id}", but ${(d.others as string[]).length === 0 ? 'there is none' : `it has only ${(d.others as string[]).slice(0, 5).join(', ')}`}. Look for a copy that has one, such as onnx-community/${d.name}, or make one: optimum-cli export onnx --model ${d.id} DIR, then name DIR.`,
  },
  MODEL_DTYPE_MISSING: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `Expected an ONNX export with ${d.dtype} weights in the repository "${d.id}", but it has ${(d.available as string[]).join(', ')}. Ask for one of these: --dtype.`,
  },
  DETECTOR_MISSING: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The model ${d.model} has no mention detector. Give the documents' mentions, or use a model that has one.`,
  },
  CUT_OFF_UNKNOWN: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The model ${d.model} says nothing of where a type ends (model.json: cutOff). Give the lowest score as a number instead.`,
  },
  GAZETTEER_EMPTY: {
    status: 400,
    exitCode: 1,
    message: (d) => `${d.file}: expected names, one a line, but the file holds none. Check that it was written.`,
  },
  CHAT_FAILED: {
    status: 502,
    exitCode: 1,
    message: (d) => `The chat model ${d.chat} gave no answer: ${d.reason}. ${d.advice}`,
  },
  PACKAGE_MISSING: {
    status: 500,
    exitCode: 1,
    message: (d) => `${d.purpose} needs the package ${d.package}, which is not installed. Install it: ${d.command}`,
  },
  DETECTOR_MODEL_INVALID: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `Cannot use the mention detector in ${d.directory}: expected ${d.expected} for ${d.field}, but received ${d.received}. ${d.remedy}`,
  },
  DETECTOR_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The mention detector in ${d.directory} failed: ${d.reason}. Check that its graph, configuration and tokenizer are of one model.`,
  },
  HEAD_UNREADABLE: {
    status: 400,
    exitCode: 1,
    message: (d) => `Cannot read the projection head ${d.file}: expected ${d.expected}, but received ${d.received}.`,
  },
  TRAINING_DATA_TOO_SMALL: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `Expected mentions of at least 2 types to train on, none of which every mention has, but received ${d.types} types and ${d.mentions} usable mentions, and ${d.heldOut} types are held out. Give more labelled documents, or hold out fewer types.`,
  },
  TRAINING_DIVERGED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The loss is no number any more in epoch ${d.epoch}. Train with a learning rate below ${d.learningRate}.`,
  },
  CHECKPOINT_REFUSED: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `Cannot go on from the checkpoint ${d.file}: ${d.reason}. Remove it to begin anew, or name another file.`,
  },
  DIMENSIONS_DIFFER: {
    status: 400,
    exitCode: 1,
    message: (d) => `Expected ${d.expected} dimensions for ${d.of}, but received ${d.received}.`,
  },
  DESCRIPTION_EMPTY: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Expected a type description with at least one token, but received ${JSON.stringify(d.description)} (number ${d.index}, counted from 0).`,
  },
  ENCODER_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) => `The encoder failed: ${d.reason}`,
  },
  ENCODER_CLOSED: {
    status: 503,
    exitCode: 1,
    message: () => 'The embedder was closed. Open another one, and close it after its last call.',
  },
  WORKER_LOST: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `A worker thread ended before it answered (${d.reason}). Open the embedder or detector again, with fewer workers if memory ran out.`,
  },
  INPUT_EMPTY: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file}: expected at least one document, but the file is empty. Check that it was written, or leave it out.`,
  },
  INPUT_FORMAT_UNKNOWN: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Cannot tell the format of "${d.file}" from its name. Expected one of: ${(d.expected as string[]).join(', ')} (also with .gz, .zst or .bz2). Rename it, or name the format.`,
  },
  INPUT_DAMAGED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file}:${d.line}: the ${d.compression} data ends or breaks here (${d.reason}). Lines before it were read; make or copy the file again.`,
  },
  INPUT_COLUMNS_MISSING: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file}: expected columns named ${(d.expected as string[]).join(' and ')}, but its first line names ${(d.received as string[]).join(', ')}. Rename the columns, or say which ones to read.`,
  },
  LINE_TOO_LONG: {
    status: 413,
    exitCode: 1,
    message: (d) =>
      `${d.file}:${d.line}: expected at most ${d.maximumBytes} bytes in a line, but received more. Split the document.`,
  },
  LINE_NOT_UTF8: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file}:${d.line}: expected UTF-8, but received other bytes. Convert the file, for example with iconv.`,
  },
  LINE_MALFORMED: {
    status: 400,
    exitCode: 1,
    message: (d) => `${d.file}:${d.line}: expected ${d.expected}, but received ${d.received}. Correct the line.`,
  },
  DOCUMENT_INVALID: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `${d.file}:${d.line}: expected ${d.expected} in "${d.field}", but received ${d.received}. Correct the document.`,
  },
  DOCUMENT_REPEATED: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `${d.file}:${d.line}: the id "${d.id}" was already given at ${d.firstFile}:${d.firstLine}, which stays. Give each document an id of its own.`,
  },
  INDEX_NOT_FOUND: {
    status: 404,
    exitCode: 1,
    message: (d) =>
      `There is no index at "${d.directory}". Check the path, or make one with: ner-retriever index FILE… --index ${d.directory}`,
  },
  NOT_AN_INDEX: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `"${d.directory}" is no index: ${d.reason}. Name an index folder, or a new or empty folder to make one in.`,
  },
  INDEX_FORMAT_NEWER: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" has format ${d.received}, but this version reads formats up to ${d.expected}. Update @ner-retriever/core.`,
  },
  INDEX_FORMAT_OLDER: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" has format ${d.received}, of a version before the first release; this version reads format ${d.expected}. Remove the folder and index the documents again.`,
  },
  INDEX_PRECISION_MISMATCH: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" keeps its vectors as ${d.received}, not as ${d.expected}. Leave the precision out to use it as it is, or make a new index.`,
  },
  INDEX_MODEL_MISMATCH: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" was made by model ${d.expectedName} (${d.expected}), but received model ${d.receivedName} (${d.received}). Name the model that made it, or make a new index with this one.`,
  },
  INDEX_MODEL_MISSING: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" was made by model ${d.name}, which is no longer at "${d.path}". Say where it lies now: --model DIR (in code: the option model).`,
  },
  INDEX_DAMAGED: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The index is damaged: ${d.file}: ${d.reason}. Restore the folder from a copy, or make the index again; "ner-retriever verify" names all that is damaged.`,
  },
  INDEX_LOCKED: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `Another writer has the index "${d.directory}" open (${d.holder}). Wait until it ends, or stop it; searching works meanwhile.`,
  },
  INDEX_READ_ONLY: {
    status: 409,
    exitCode: 1,
    message: (d) => `The index "${d.directory}" cannot be written: ${d.reason}.`,
  },
  BACKEND_UNAVAILABLE: {
    status: 503,
    exitCode: 1,
    message: (d) =>
      `The backend "${d.backend}" cannot be used: ${d.reason}. The exact scan needs none; "ner-retriever doctor" says what works here.`,
  },
  DEVICE_UNAVAILABLE: {
    status: 503,
    exitCode: 1,
    message: (d) =>
      `The device "${d.device}" cannot be used for ${d.what}: ${d.reason}. "ner-retriever doctor" says what is there and what to do; the device auto does without what is missing.`,
  },
  DEVICE_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) =>
      `The device "${d.device}" failed in ${d.what}: ${d.reason}. Free some of its memory, if that is what it lacks, or work without it: the device cpu.`,
  },
  APPROXIMATE_MISSING: {
    status: 409,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" has no approximate index. Build one (ner-retriever approximate --index DIR --factory HNSW32; in code: buildApproximateIndex), or search exactly.`,
  },
  FAISS_FAILED: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `FAISS refused "${d.what}": ${d.reason}. See docs/approximate.md for factory strings and parameters that work.`,
  },
  FAISS_FILE_OTHER: {
    status: 400,
    exitCode: 1,
    message: (d) =>
      `The FAISS file "${d.file}" is not one of this index: expected ${d.expected}, got ${d.received}. Export the vectors anew and build it from them.`,
  },
  INDEX_FULL: {
    status: 507,
    exitCode: 1,
    message: (d) =>
      `The index "${d.directory}" holds the most ${d.what} that its format can: ${d.maximum}. Start another index.`,
  },
  DISK_FULL: {
    status: 507,
    exitCode: 1,
    message: (d) =>
      `The disk of "${d.directory}" is full. What was already indexed is safe: free some space and run the same command again to go on.`,
  },
  STORAGE_FAILED: {
    status: 500,
    exitCode: 1,
    message: (d) => `Reading or writing "${d.directory}" failed: ${d.reason}.`,
  },
  CLOSED: {
    status: 503,
    exitCode: 1,
    message: (d) => `${d.what} is closed. Open it again.`,
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;

export const errorCodes = Object.keys(kinds) as ErrorCode[];

const marker = Symbol.for('ner-retriever.error');

export class NerRetrieverError extends Error {
  override readonly name = 'NerRetrieverError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly [marker] = true;

  constructor(code: ErrorCode, details: ErrorDetails, options?: { cause?: unknown }) {
    super(kinds[code].message(details), options);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return kinds[this.code].status;
  }

  get exitCode(): 1 | 2 {
    return kinds[this.code].exitCode;
  }

  /** True for errors of every copy of this package in the process, unlike `instanceof`. */
  static isInstance(value: unknown): value is NerRetrieverError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}
