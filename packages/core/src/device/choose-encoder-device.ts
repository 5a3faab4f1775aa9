import { whyNoCuda } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { chooseDevice } from './choose-device.js';
import { cudaProvider } from './cuda-provider.js';
import { askedForCpu, type DeviceChoice, type DeviceOption } from './device-choice.js';

/**
 * Where an encoder runs: on a GPU only with ONNX Runtime's CUDA provider. Whoever asks for `cuda` expects nearly all the work of
 * reading documents to be done there: without the provider that is an error, and no quiet walk on the CPU.
 *
 * @throws NerRetrieverError DEVICE_UNAVAILABLE
 */
export async function chooseEncoderDevice(wanted: DeviceOption): Promise<DeviceChoice> {
  if (wanted === 'cpu') return askedForCpu;
  if (wanted === 'cuda') {
    const choice = await chooseDevice('cuda', encoding);
    const missing = providerMissing();
    if (missing !== null) {
      throw new NerRetrieverError('DEVICE_UNAVAILABLE', { device: 'cuda', what: encoding, reason: missing });
    }
    return choice;
  }
  // The looks that cost nothing come before the child process that tries the GPU.
  const reason = whyNoCuda() ?? providerMissing();
  return reason === null ? chooseDevice('auto', encoding) : { device: 'cpu', reason };
}

export const encoding = 'the encoder';

function providerMissing(): string | null {
  const { installed, install } = cudaProvider();
  if (installed) return null;
  return `ONNX Runtime's CUDA provider is not installed (to have it: ${install}; it needs CUDA 12 and cuDNN 9)`;
}
