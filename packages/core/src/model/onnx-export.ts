/** How the weights of an export are stored: 32- or 16-bit floats, 8- or 4-bit integers. */
export type ModelDtype = keyof typeof suffixes;

/** Names as Optimum and transformers.js give them, the first that is there counts. */
const suffixes = {
  fp32: [''],
  fp16: ['_fp16'],
  q8: ['_quantized', '_int8', '_uint8'],
  q4: ['_q4', '_q4f16'],
} as const;

export const modelDtypes = Object.keys(suffixes) as readonly ModelDtype[];

/** The encoder of an encoder-decoder has a file of its own, and is the part that is read; older exports name a decoder so. */
const folders = ['onnx/', ''];
const graphs = ['model', 'encoder_model', 'decoder_model_merged', 'decoder_model'];

/** The ONNX file of a repository or a folder that holds the weights as `dtype`; undefined where there is none. */
export function onnxExport(paths: readonly string[], dtype: ModelDtype): string | undefined {
  for (const graph of graphs) {
    for (const folder of folders) {
      const found = suffixes[dtype]
        .map((suffix) => `${folder}${graph}${suffix}.onnx`)
        .find((name) => paths.includes(name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
