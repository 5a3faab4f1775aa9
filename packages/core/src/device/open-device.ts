import { CudaDevice } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { chooseDevice } from './choose-device.js';
import { askedForCpu, type DeviceChoice, type DeviceOption } from './device-choice.js';

/** What was chosen, and the GPU where it is one: open, and the caller's to close. */
export interface OpenedDevice {
  readonly choice: DeviceChoice;
  readonly gpu: CudaDevice | null;
}

/**
 * The device that was asked for, opened in this thread.
 *
 * @param what the work, as a message names it
 * @throws NerRetrieverError DEVICE_UNAVAILABLE where `cuda` is asked for and cannot be.
 */
export async function openDevice(wanted: DeviceOption, what: string): Promise<OpenedDevice> {
  if (wanted === 'cpu') return { choice: askedForCpu, gpu: null };
  const choice = await chooseDevice(wanted, what);
  if (choice.device === 'cpu') return { choice, gpu: null };
  try {
    return { choice, gpu: await openGpu(what) };
  } catch (error) {
    if (wanted === 'cuda' || !NerRetrieverError.isInstance(error)) throw error;
    return { choice: { device: 'cpu', reason: String(error.details.reason) }, gpu: null };
  }
}

/** For a thread whose device is chosen already. @throws NerRetrieverError DEVICE_UNAVAILABLE. */
export async function openGpu(what: string): Promise<CudaDevice> {
  try {
    return await CudaDevice.open();
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new NerRetrieverError('DEVICE_UNAVAILABLE', { device: 'cuda', what, reason }, { cause });
  }
}
