import { fileURLToPath } from 'node:url';

/** The folder that holds model.json, encoder.onnx, tokenizer.json and head.safetensors. */
export const modelDirectory: string = fileURLToPath(new URL('../model/', import.meta.url));
