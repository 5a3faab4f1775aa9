import { tapKinds } from '@ner-retriever/core/model';
import type { Command } from '../command.js';
import { nearest } from '../flags/nearest.js';
import { infoOfModel } from '../model/info-of-model.js';
import { inspectSource } from '../model/inspect-source.js';
import { prepareSource } from '../model/prepare-source.js';

const actions = { prepare: prepareSource, inspect: inspectSource, info: infoOfModel };

export const model: Command = {
  usage: ['prepare SOURCE --block N --out DIR', 'inspect SOURCE', 'info DIR'],
  about: `prepare makes a model folder of any transformer with an ONNX export: it cuts the graph at a sub-layer of a block, by default its value
projection, and writes what is left with the weights that it still needs. The folder is what --model takes.
inspect lists the blocks of an uncut model and the tensors that can be taps.
info says what a model folder holds and what it costs to run.

SOURCE is a folder with onnx/model.onnx or model.onnx, config.json and tokenizer.json, an .onnx file in one, or a Hugging Face id
(owner/name), which is downloaded into the hub's own cache (HF_HOME, HF_TOKEN, HF_ENDPOINT as usual).`,
  flags: [
    { name: 'block', value: 'N', help: 'the block that is read, counted from 0' },
    { name: 'tap', value: 'KIND', help: `${tapKinds.join(', ')}: the sub-layer of it that is read (default: value)` },
    {
      name: 'tap-tensor',
      value: 'NAME',
      help: 'the tensor that is read, by its name in the graph, whatever --tap would find',
    },
    {
      name: 'head',
      value: 'FILE',
      help: 'a projection head for the vectors: .safetensors, or a .pth of PyTorch, which is read, never run',
    },
    { name: 'out', value: 'DIR', help: 'the model folder to make' },
    {
      name: 'dtype',
      value: 'TYPE',
      help: 'fp32, fp16, q8 or q4: which of the graphs of SOURCE (default: fp32, or the only one)',
    },
    { name: 'revision', value: 'REVISION', help: 'of a Hugging Face id: the branch, tag or commit (default: main)' },
    { name: 'name', value: 'NAME', help: 'what reports call the model' },
    { name: 'json', help: 'as JSON' },
  ],
  examples: [
    'model inspect Llama-3.1-8B-ONNX',
    'model prepare Llama-3.1-8B-ONNX --block 17 --head contrastive_projection_head.pth --out llama-17',
    'model info llama-17',
  ],

  async run(words, surroundings) {
    const [action = '', ...operands] = words.operands;
    const names = Object.keys(actions);
    if (!isAction(action)) {
      const near = nearest(action, names);
      const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
      return words.refuse(names.join(', '), action === '' ? 'nothing' : `${JSON.stringify(action)}${hint}`);
    }
    const [operand] = operands;
    const wanted = action === 'info' ? 'one model folder' : 'one SOURCE';
    if (operand === undefined || operands.length > 1)
      return words.refuse(wanted, operands.length === 0 ? 'none' : `${operands.length}`);
    return actions[action](operand, words, surroundings);
  },
};

function isAction(word: string): word is keyof typeof actions {
  return Object.hasOwn(actions, word);
}
