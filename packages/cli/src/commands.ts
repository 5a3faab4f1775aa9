import type { Command } from './command.js';

export interface Verb {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every verb; its file is loaded only when it is asked for. */
export const verbs: readonly Verb[] = [
  {
    name: 'index',
    summary: 'read documents into an index folder',
    load: async () => (await import('./commands/index.js')).index,
  },
  {
    name: 'search',
    summary: 'find the documents that mention an entity of a type',
    load: async () => (await import('./commands/search.js')).search,
  },
  {
    name: 'detect',
    summary: 'find the mentions in texts, as JSON Lines',
    load: async () => (await import('./commands/detect.js')).detect,
  },
  {
    name: 'embed',
    summary: 'write the vectors of mentions or of type descriptions as .npy',
    load: async () => (await import('./commands/embed.js')).embed,
  },
  {
    name: 'eval',
    summary: 'measure a model on a labelled data set, beside BM25',
    load: async () => (await import('./commands/eval.js')).evaluation,
  },
  {
    name: 'study',
    summary: 'which sub-layer of which block of a model knows types best',
    load: async () => (await import('./commands/study.js')).study,
  },
  {
    name: 'model',
    summary: 'make a model folder of any ONNX transformer, or look into one',
    load: async () => (await import('./commands/model.js')).model,
  },
  {
    name: 'head',
    summary: 'train a projection head on labelled documents, bring one from PyTorch or NumPy, or look into one',
    load: async () => (await import('./commands/head.js')).head,
  },
  {
    name: 'serve',
    summary: 'answer searches over HTTP',
    load: async () => (await import('./commands/serve.js')).serve,
  },
  {
    name: 'index-info',
    summary: 'what an index folder holds',
    load: async () => (await import('./commands/index-info.js')).indexInfo,
  },
  {
    name: 'approximate',
    summary: 'build an approximate index of FAISS beside the exact scan',
    load: async () => (await import('./commands/approximate.js')).approximate,
  },
  {
    name: 'verify',
    summary: 'read every byte of an index folder and say what is damaged',
    load: async () => (await import('./commands/verify.js')).verify,
  },
  {
    name: 'compact',
    summary: 'give back the room that deleted and replaced documents take',
    load: async () => (await import('./commands/compact.js')).compact,
  },
  {
    name: 'export',
    summary: 'write the documents (JSON Lines) or vectors (.npy, FAISS) of an index',
    load: async () => (await import('./commands/export.js')).exportCommand,
  },
  {
    name: 'doctor',
    summary: 'what works on this machine, and why not',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
];
