import type { DeviceOption } from './device-choice.js';
import { type OpenedDevice, openDevice } from './open-device.js';

/**
 * From so many rows on `auto` looks for a GPU: fewer are searched on the CPU in some tens of milliseconds, which is less than a process
 * needs to try a GPU, open it and bring the rows there.
 */
const rowsWorthAGpu = 1_000_000;

/**
 * Where an index is searched.
 *
 * @param rows of the index, as it is when it is opened
 * @throws NerRetrieverError DEVICE_UNAVAILABLE where `cuda` is asked for and cannot be.
 */
export async function openSearchDevice(wanted: DeviceOption, rows: number): Promise<OpenedDevice> {
  if (wanted === 'auto' && rows < rowsWorthAGpu) {
    return { choice: { device: 'cpu', reason: 'the index is small: a GPU would not pay' }, gpu: null };
  }
  return openDevice(wanted, 'the search');
}
