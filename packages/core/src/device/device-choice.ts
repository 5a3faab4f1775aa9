import { checkOption } from '../check-options.js';

/**
 * Where the heavy work is done: `cpu`; `cuda`, an NVIDIA GPU, or an error where there is none that can be used; `auto`, a GPU where
 * that pays and works, and the CPU everywhere else.
 */
export type DeviceOption = 'auto' | 'cpu' | 'cuda';

/** Where a part of the work is done, and why there. */
export interface DeviceChoice {
  readonly device: 'cpu' | 'cuda';
  /** The GPU's name, or why it is the CPU. */
  readonly reason: string;
}

/** @throws NerRetrieverError OPTION_INVALID. */
export function checkDevice(device: DeviceOption | undefined): void {
  const known = device === undefined || device === 'auto' || device === 'cpu' || device === 'cuda';
  checkOption(known, 'device', "'auto', 'cpu' or 'cuda'", device);
}

/** What was asked for needs no other reason. */
export const askedForCpu: DeviceChoice = { device: 'cpu', reason: 'asked for' };
