import { chooseDevice as chooseNatively } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { DeviceChoice, DeviceOption } from './device-choice.js';

/**
 * Where the native operations run. A GPU is tried in a child process first, once a process; without a driver or the CUDA library
 * there is no child.
 *
 * @param what the work, as a message names it
 * @throws NerRetrieverError DEVICE_UNAVAILABLE where `cuda` is asked for and cannot be.
 */
export async function chooseDevice(wanted: DeviceOption, what: string): Promise<DeviceChoice> {
  try {
    return await chooseNatively(wanted);
  } catch (cause) {
    const { code, message: reason } = cause as NodeJS.ErrnoException;
    if (code !== 'DEVICE_UNAVAILABLE') throw cause;
    throw new NerRetrieverError('DEVICE_UNAVAILABLE', { device: wanted, what, reason }, { cause });
  }
}
