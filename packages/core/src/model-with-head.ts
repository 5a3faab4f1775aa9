import { constants } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { modelDirectory } from '@ner-retriever/model-en';
import { checkOption, checkOptions } from './check-options.js';
import { NerRetrieverError } from './errors.js';
import type { ModelDescription } from './model/model-description.js';
import { type ModelFolder, openModelFolder } from './model/model-folder.js';
import { checkFree, fileFacts, makeModelFolder } from './model/new-model-folder.js';
import { ProjectionHead } from './projection/projection-head.js';

const headName = 'head.safetensors';

export interface ModelWithHeadOptions {
  /** The model folder to make. */
  readonly out: string;
  /** The model folder to take all the rest from. Default: the bundled English model. */
  readonly model?: string;
}

/**
 * Makes a model folder that is another one with a head of its own: the same encoder, tokenizer and detector, other vectors.
 *
 *     await modelWithHead('head.safetensors', { out: 'my-model' });
 *
 * @throws NerRetrieverError OPTION_…, MODEL_…, HEAD_UNREADABLE, DIMENSIONS_DIFFER where the head is for another tap,
 *   MODEL_FOLDER_TAKEN, FILE_UNWRITABLE.
 */
export async function modelWithHead(head: string, options: ModelWithHeadOptions): Promise<ModelFolder> {
  checkOptions('modelWithHead', options, ['out', 'model']);
  const { out, model = modelDirectory } = options;
  checkOption(typeof out === 'string' && out !== '', 'out', 'the path of a folder', out);
  const { directory, description } = await openModelFolder(model);
  const weights = await ProjectionHead.load(head);
  if (weights.inputDimensions !== description.tap.dimensions) {
    throw new NerRetrieverError('DIMENSIONS_DIFFER', {
      of: 'the input of the projection head',
      expected: description.tap.dimensions,
      received: weights.inputDimensions,
    });
  }
  const target = resolve(out);
  await checkFree(target);

  try {
    await makeModelFolder(target, async (unfinished) => {
      const kept = Object.entries(description.files).filter(([name]) => name !== description.head && name !== headName);
      for (const [name] of kept) {
        await mkdir(dirname(join(unfinished, name)), { recursive: true });
        // Where the file system can, the copy takes no room.
        await copyFile(join(directory, name), join(unfinished, name), constants.COPYFILE_FICLONE);
      }
      await weights.save(join(unfinished, headName));
      const facts = await fileFacts(join(unfinished, headName));
      // Where a type ends was measured on the other head's scores.
      const { cutOff: _, ...same } = description;
      const changed: ModelDescription = {
        ...same,
        head: headName,
        dimensions: weights.outputDimensions,
        files: { ...Object.fromEntries(kept), [headName]: facts },
      };
      await writeFile(join(unfinished, 'model.json'), `${JSON.stringify(changed, null, 2)}\n`);
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new NerRetrieverError('FILE_UNWRITABLE', { file: target, reason: (cause as Error).message }, { cause });
  }
  return openModelFolder(target);
}
