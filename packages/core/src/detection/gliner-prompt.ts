import { checkOption } from '../check-options.js';
import type { TextTokenizer } from '../encoder/text-tokenizer.js';
import { NerRetrieverError } from '../errors.js';
import type { DetectorFault } from './detector-fault.js';
import type { GlinerConfig } from './gliner-config.js';
import { checkVocabulary } from './vocabulary.js';

/** Of the tokens that a model takes, the part that labels may fill. */
const MOST_LABEL_TOKENS = 3 / 4;

/**
 * The tokens that stand before a text: each label behind its mark, and the separator. Every label is one word.
 *
 * @throws NerRetrieverError OPTION_INVALID where the labels leave no room for a text.
 */
export async function glinerPrompt(
  labels: readonly string[],
  tokenizer: TextTokenizer,
  { labelToken, separatorToken, maximumTokens, vocabularySize }: GlinerConfig,
  fault: DetectorFault,
): Promise<Int32Array> {
  for (const [i, label] of labels.entries()) {
    const own = !label.includes(labelToken) && !label.includes(separatorToken);
    checkOption(own, `label ${i}`, `a text without ${labelToken} and ${separatorToken}`, label);
  }
  const words = await tokenizer.tokenizeWords(labels);
  const mark = tokenizer.idOf(labelToken) as number;
  const separator = tokenizer.idOf(separatorToken) as number;
  const prompt = Int32Array.from([...words.flatMap((ids) => [mark, ...ids]), separator]);
  checkVocabulary(prompt, vocabularySize, fault);
  const most = Math.floor((maximumTokens - tokenizer.specialTokens) * MOST_LABEL_TOKENS);
  if (prompt.length > most) {
    throw new NerRetrieverError('OPTION_INVALID', {
      option: 'labels',
      expected: `fewer or shorter labels, of at most ${most} tokens together,`,
      received: `${prompt.length} tokens`,
    });
  }
  return prompt;
}

/** @throws NerRetrieverError OPTION_INVALID where there are none, or one is empty or given twice. */
export function checkLabels(labels: unknown): void {
  checkOption(Array.isArray(labels) && labels.length > 0, 'labels', 'an array of at least one label', labels);
  const seen = new Set<string>();
  for (const [i, label] of (labels as unknown[]).entries()) {
    const holds = typeof label === 'string' && label.trim() !== '' && !seen.has(label);
    checkOption(holds, `label ${i}`, 'a text that is not empty and no other label', label);
    seen.add(label as string);
  }
}
