import { whyNoCuda } from './cuda-support.js';
import { probeCuda } from './probe-cuda.js';

export interface ChosenDevice {
  readonly device: 'cpu' | 'cuda';
  /** The GPU's name, or why it is the CPU. */
  readonly reason: string;
}

/**
 * Where to work. `auto` is a GPU if one can be used, and the CPU with the reason where not; without a driver or the CUDA library that is
 * said at once, and no process is started.
 *
 * @throws an Error with `code` 'DEVICE_UNAVAILABLE' where `cuda` is asked for and there is none that can be used
 */
export async function chooseDevice(wanted: 'auto' | 'cpu' | 'cuda'): Promise<ChosenDevice> {
  if (wanted !== 'auto' && wanted !== 'cpu' && wanted !== 'cuda') {
    throw new TypeError(`expected a device to be 'auto', 'cpu' or 'cuda', got ${String(wanted)}`);
  }
  if (wanted === 'cpu') return { device: 'cpu', reason: 'asked for' };
  let reason = whyNoCuda();
  if (reason === null) {
    const probe = await probeCuda();
    if (probe.usable) return { device: 'cuda', reason: probe.device.name };
    reason = `the GPU cannot be used: ${probe.reason}`;
  }
  if (wanted === 'auto') return { device: 'cpu', reason };
  throw Object.assign(new Error(reason), { code: 'DEVICE_UNAVAILABLE' });
}
