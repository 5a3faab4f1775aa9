import type { DeviceChoice, DeviceOption } from '@ner-retriever/core';
import type { Arguments } from './flags/arguments.js';
import type { Flag } from './flags/flag.js';
import type { Messages } from './terminal/messages.js';
import { sanitise } from './terminal/sanitise.js';

/** The flag of every verb that can work on a GPU. */
export const deviceFlag: Flag = {
  name: 'device',
  value: 'WHERE',
  help: 'cpu, cuda (an NVIDIA GPU, or an error) or auto (default: a GPU where it works and pays); --verbose says which it is',
};

export function deviceOf(words: Arguments): { readonly device?: DeviceOption } {
  const device = words.choice('device', ['auto', 'cpu', 'cuda']);
  return device === undefined ? {} : { device };
}

/**
 * Says on standard error where parts of the work are done: all of them with --verbose, and else what fell back although --device cuda
 * was given.
 *
 * @param choices by what is done there
 */
export function announceDevices(
  choices: Readonly<Record<string, DeviceChoice>>,
  words: Arguments,
  messages: Messages,
): void {
  for (const [what, { device, reason }] of Object.entries(choices)) {
    if (words.has('verbose')) messages.note(`${what}: ${device} (${sanitise(reason)})`);
    else if (words.text('device') === 'cuda' && device !== 'cuda') {
      messages.warn(`${what}: ${device}, not cuda (${sanitise(reason)})`);
    }
  }
}
